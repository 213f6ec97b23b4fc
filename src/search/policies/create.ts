/** Policies by the name and options that `study.json` gives. */
import { z } from "zod";
import { InputError, parseConfig, suggest } from "../../core/index.ts";
import type { Policy } from "../policy.ts";
import type { Space } from "../space/space.ts";
import type { StudySpec } from "../spec.ts";
import { bayesianPolicy } from "./bayesian.ts";
import { ageingPolicy, evolutionaryPolicy, rankPolicy } from "./evolution.ts";
import { greedyPolicy } from "./greedy.ts";
import { mctsPolicy } from "./mcts.ts";
import { nsga2Policy } from "./nsga2.ts";
import { exhaustivePolicy, randomPolicy, sobolPolicy } from "./simple.ts";

const probability = z.number().min(0).max(1).optional();
const count = z.number().int().positive().optional();
const maxDebugDepth = z.number().int().nonnegative().optional();

const schema = z.discriminatedUnion("name", [
  z.strictObject({ name: z.literal("random") }),
  z.strictObject({ name: z.literal("exhaustive") }),
  z.strictObject({ name: z.literal("sobol") }),
  z.strictObject({ name: z.literal("greedy"), drafts: count, debugProbability: probability, maxDebugDepth }),
  z.strictObject({
    name: z.literal("mcts"),
    exploration: z.number().nonnegative().optional(),
    children: count,
    maxDebugDepth,
  }),
  z.strictObject({
    name: z.literal("evolutionary"),
    islands: count,
    islandSize: count,
    individualsPerGeneration: count,
    crossoverProbability: probability,
    crossoverFrom: z.number().int().nonnegative().optional(),
    migrationProbability: probability,
    selection: z.enum(["softmax", "tournament"]).optional(),
    temperature: z.number().positive().optional(),
    tournament: count,
    maxDebugDepth,
  }),
  z.strictObject({ name: z.literal("ageing"), population: count, sample: count }),
  z.strictObject({
    name: z.literal("rank"),
    drafts: count,
    temperature: z.number().positive().optional(),
    crossoverProbability: probability,
    maxDebugDepth,
  }),
  z.strictObject({ name: z.literal("nsga2"), population: count, crossoverProbability: probability }),
  z.strictObject({
    name: z.literal("bayesian"),
    kernel: z.enum(["matern52", "rbf"]).optional(),
    noise: z.boolean().optional(),
    initial: count,
    acquisition: z.enum(["hypervolume", "parego"]).optional(),
    samples: count,
    maxObservations: count,
  }),
]);

export type PolicyOptions = z.output<typeof schema>;

/**
 * The policy that `spec` names. `space` is needed by `exhaustive`, `sobol` and `bayesian`, which choose candidates
 * themselves. Throws an `InputError` for an unknown name, a wrong option, or a policy that does not suit the goal.
 */
export function createPolicy(spec: StudySpec, space?: Space): Policy {
  const chosen = schema.options.find((option) => option.shape.name.value === spec.policy.name);
  if (!chosen)
    throw new InputError({
      place: { path: "policy.name" },
      found: `"${spec.policy.name}"`,
      expected: "the name of a policy",
      remedy: suggest(
        spec.policy.name,
        schema.options.map((option) => option.shape.name.value),
      ),
    });
  const text = JSON.stringify(spec.policy, null, 2);
  const options: PolicyOptions = parseConfig(text, chosen, "the study's policy").value;
  const needed = (): Space => {
    if (space) return space;
    throw new InputError({
      place: { path: "policy.name" },
      found: `"${options.name}" without a space of parameters`,
      expected: "a policy that works through operators alone",
      remedy: "use greedy, mcts, evolutionary, ageing, rank, nsga2 or random",
    });
  };
  switch (options.name) {
    case "random":
      return randomPolicy();
    case "exhaustive":
      return exhaustivePolicy(needed());
    case "sobol":
      return sobolPolicy(needed(), spec.seed);
    case "greedy":
      return greedyPolicy(spec, options);
    case "mcts":
      return mctsPolicy(spec, options);
    case "evolutionary":
      return evolutionaryPolicy(spec, options);
    case "ageing":
      return ageingPolicy(spec, options);
    case "rank":
      return rankPolicy(spec, options);
    case "nsga2":
      return nsga2Policy(spec, options);
    case "bayesian":
      return bayesianPolicy(needed(), spec, spec.seed, options) as Policy;
  }
}
