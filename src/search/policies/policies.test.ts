import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { History, type Trial } from "../history.ts";
import type { Goal } from "../objectives.ts";
import type { Policy, Proposal } from "../policy.ts";
import { Space } from "../space/space.ts";
import { specOf } from "../spec.ts";
import { createPolicy } from "./create.ts";
import { ageingPolicy, evolutionaryPolicy, rankPolicy } from "./evolution.ts";
import { greedyPolicy } from "./greedy.ts";
import { mctsPolicy } from "./mcts.ts";
import { nsga2Policy } from "./nsga2.ts";

const goal: Goal = { objectives: [{ metric: "loss", direction: "minimise" }], outcomeConstraints: [] };

/** A history that is written by hand: each trial asked for, then told its loss, or that it failed. */
class Script {
  readonly history = new History<string>();

  ask(proposal: Proposal): Trial<string> {
    const trial = this.history.trials.length;
    this.history.apply({ event: "ask", at: 0, trial, candidate: "c", ...proposal });
    return this.history.trial(trial);
  }

  tell(trial: number, loss: number | "failed"): void {
    const what = loss === "failed" ? { failure: "broken" } : { metrics: { loss } };
    this.history.apply({ event: "tell", at: 0, trial, ...what });
  }

  /** Asks `policy` and tells the outcomes one by one; returns what it proposed as `operator parent parent`. */
  follow(policy: Policy<string>, outcomes: readonly (number | "failed")[], seed = 1): string[] {
    return outcomes.map((outcome) => {
      const decision = propose(policy, this.history, seed);
      const { id } = this.ask(decision);
      this.tell(id, outcome);
      return `${decision.operator} ${decision.parents.join(" ")}`.trim();
    });
  }
}

function propose(policy: Policy<string>, history: History<string>, seed = 1): Proposal {
  const decision = policy.propose(history, new RandomStream(seed).split(history.trials.length));
  if (typeof decision === "string") throw new Error(`the policy said ${decision}`);
  return decision;
}

describe("greedy", () => {
  it("drafts, then debugs what failed, then improves the best", () => {
    const said = new Script().follow(greedyPolicy(goal, { drafts: 3, maxDebugDepth: 2 }), [
      5,
      "failed",
      3,
      "failed", // debug 1
      "failed", // debug 3: the chain has reached its depth
      4, // improve 2
      2, // improve 2
      9,
    ]);
    expect(said).toEqual([
      "draft",
      "draft",
      "draft",
      "debug 1",
      "debug 3",
      "improve 2",
      "improve 2",
      "improve 6",
    ]);
  });

  it("drafts on while nothing works, and leaves failures alone unless told to debug", () => {
    const said = new Script().follow(greedyPolicy(goal, { drafts: 1 }), ["failed", "failed", 1, 2]);
    expect(said).toEqual(["draft", "draft", "draft", "improve 2"]);
  });
});

describe("mcts", () => {
  it("expands a leaf fully, then goes down by UCT", () => {
    const script = new Script();
    const policy = mctsPolicy(goal, { children: 2, exploration: 0.25 });
    // Root: two drafts. The better (loss 1) is expanded; its children are worse than it but count for it.
    expect(script.follow(policy, [1, 3, 2, 2])).toEqual(["draft", "draft", "improve 0", "improve 0"]);
    // norm(Q): trial 0 has mean -5/3 -> 2/3 and N = 3; trial 1 has 0 and N = 1; N(root) = 4.
    const uct = [2 / 3 + 0.25 * Math.sqrt(Math.log(4) / 3), 0.25 * Math.sqrt(Math.log(4))];
    expect(uct[0]).toBeGreaterThan(uct[1]!);
    expect(propose(policy, script.history).parents).toEqual([2]);
    // With much exploration the trial visited once is next.
    const curious = mctsPolicy(goal, { children: 2, exploration: 3 });
    expect(propose(curious, script.history).parents).toEqual([1]);
  });

  it("debugs a failed child before it goes on, backs the mended value up, and never goes down to what stays broken", () => {
    const script = new Script();
    const policy = mctsPolicy(goal, { children: 2, maxDebugDepth: 2 });
    const said = script.follow(policy, ["failed", 1, 5, "failed", "failed", "failed", 2]);
    expect(said).toEqual(["draft", "debug 0", "draft", "improve 1", "debug 3", "debug 4", "improve 1"]);
    expect(propose(policy, script.history).parents).toEqual([6]);
  });

  it("expands a node again where none of its children was ever mended", () => {
    const script = new Script();
    const said = script.follow(mctsPolicy(goal, { children: 2 }), ["failed", "failed", "failed", 1, 2]);
    expect(said).toEqual(["draft", "draft", "draft", "draft", "improve 3"]);
  });

  it("waits where all it could expand is under way", () => {
    const script = new Script();
    const policy = mctsPolicy(goal, { children: 2 });
    script.ask(propose(policy, script.history));
    script.ask(propose(policy, script.history));
    expect(policy.propose(script.history, new RandomStream(1))).toBe("wait");
    script.tell(1, 4);
    expect(propose(policy, script.history)).toEqual({ operator: "improve", parents: [1] });
  });
});

describe("evolution", () => {
  it("by rank draws parents with the published probabilities", () => {
    const script = new Script();
    for (const loss of [4, 1, 3, 2]) {
      const { id } = script.ask({ operator: "draft", parents: [] });
      script.tell(id, loss);
    }
    const policy = rankPolicy(goal, { drafts: 4, temperature: 0.5, crossoverProbability: 0 });
    const counts = [0, 0, 0, 0];
    const draws = 20_000;
    for (let seed = 0; seed < draws; seed++) counts[propose(policy, script.history, seed).parents[0]!]!++;
    // (N - r + 1)^2 / 30 for ranks 4, 1, 3, 2 of the four trials.
    [1, 16, 4, 9].forEach((weight, i) => {
      expect(counts[i]! / draws).toBeCloseTo(weight / 30, 1);
    });
    const paired = rankPolicy(goal, { drafts: 4, crossoverProbability: 1 });
    for (let seed = 0; seed < 200; seed++) {
      const { operator, parents } = propose(paired, script.history, seed);
      expect(operator).toBe("crossover");
      expect(parents[0]).not.toBe(parents[1]);
    }
  });

  it("by age lets even the best die", () => {
    const script = new Script();
    const policy = ageingPolicy(goal, { population: 3, sample: 50 });
    const said = script.follow(policy, [1, 2, 3, 4, 5, 6]);
    expect(said).toEqual(["draft", "draft", "draft", "improve 0", "improve 1", "improve 2"]);
  });

  it("on islands keeps parents at home, crosses from generation 2 on, and admits nobody below the mean", () => {
    const script = new Script();
    const policy = evolutionaryPolicy(goal, {
      islands: 2,
      individualsPerGeneration: 4,
      crossoverProbability: 1,
      islandSize: 2,
    });
    const said = script.follow(policy, [1, 10, 3, 12, 0.5, 11, 9, 2, 5, 5]);
    expect(said.slice(0, 4)).toEqual(["draft", "draft", "draft", "draft"]);
    script.history.trials.slice(4).forEach((trial) => {
      for (const parent of trial.parents)
        expect(script.history.trial(parent).note.island).toBe(trial.note.island);
      // Trial 2 (loss 3, mean 1) and trial 6 (loss 9) are below their island's mean.
      expect(trial.parents).not.toContain(2);
      expect(trial.parents).not.toContain(6);
    });
    expect(said.slice(8).some((line) => line.startsWith("crossover"))).toBe(true);
  });
});

describe("nsga-ii", () => {
  const two: Goal = {
    objectives: [
      { metric: "a", direction: "minimise" },
      { metric: "b", direction: "maximise" },
    ],
    outcomeConstraints: [{ metric: "c", atMost: 0 }],
  };

  it("keeps the feasible front before the dominated, and both before the infeasible", () => {
    const history = new History<string>();
    // Trials 0 to 3: front, front, dominated, infeasible though best.
    const metrics = [
      { a: 0, b: 0, c: 0 },
      { a: 1, b: 1, c: -1 },
      { a: 2, b: 0, c: 0 },
      { a: -9, b: 9, c: 1 },
    ];
    const policy = nsga2Policy(two, { population: 2, crossoverProbability: 0 });
    metrics.forEach((each, trial) => {
      history.apply({ event: "ask", at: 0, trial, operator: "draft", parents: [], candidate: "c" });
      history.apply({ event: "tell", at: 0, trial, metrics: each });
    });
    const parents = new Set(
      Array.from({ length: 50 }, (_, seed) => propose(policy, history, seed).parents[0]),
    );
    expect([...parents].sort()).toEqual([0, 1]);
  });
});

describe("policies by name", () => {
  const space = new Space({
    n: { kind: "integer", low: 0, high: 3 },
    s: { kind: "choice", values: ["x", "y"] },
  });
  const specWith = (policy: { name: string; [option: string]: unknown }, objectives = goal.objectives) =>
    specOf({ domain: "test", space, objectives, policy, budget: { trials: 5 }, seed: 1 });

  it("exhaustive tries every candidate once, whichever constraint holds, and is then done", () => {
    const constrained = new Space(
      {
        kind: { kind: "choice", values: ["flat", "deep"] },
        depth: { kind: "integer", low: 1, high: 4, when: { parameter: "kind", is: ["deep"] } },
      },
      [{ name: "depth is not 2", holds: ({ depth }) => depth !== 2 }],
    );
    const policy = createPolicy(specWith({ name: "exhaustive" }), constrained);
    const history = new History<unknown>();
    const seen: unknown[] = [];
    for (let trial = 0; ; trial++) {
      const decision = policy.propose(history, new RandomStream(1));
      if (typeof decision === "string") {
        expect(decision).toBe("done");
        break;
      }
      seen.push(decision.candidate);
      history.apply({ event: "ask", at: 0, trial, ...decision });
    }
    expect(seen).toEqual([
      { kind: "flat" },
      { kind: "deep", depth: 1 },
      { kind: "deep", depth: 3 },
      { kind: "deep", depth: 4 },
    ]);
  });

  it("say what is wrong with a name, an option or a goal", () => {
    expect(() => createPolicy(specWith({ name: "bayes" }), space)).toThrow(/use one of|did you mean/);
    expect(() => createPolicy(specWith({ name: "greedy", draft: 3 }))).toThrow(/drafts/);
    expect(() => createPolicy(specWith({ name: "bayesian" }))).toThrow(/without a space/);
    const objectives = [...goal.objectives, { metric: "other", direction: "maximise" as const }];
    expect(() => createPolicy(specWith({ name: "mcts" }, objectives))).toThrow(/one objective/);
    const real = new Space({ x: { kind: "real", low: 0, high: 1 } });
    expect(() => createPolicy(specWith({ name: "exhaustive" }), real)).toThrow(/can be counted/);
  });

  it("propose the same from a replayed history as from one that grew", () => {
    const names = ["greedy", "mcts", "evolutionary", "ageing", "rank", "nsga2", "bayesian", "sobol"];
    for (const name of names) {
      const spec = specWith({ name });
      const grown = new History<unknown>();
      const policy = createPolicy(spec, space);
      const random = new RandomStream(3);
      for (let trial = 0; trial < 30; trial++) {
        const decision = policy.propose(grown, new RandomStream(trial));
        if (typeof decision === "string") break;
        const events = [
          { event: "ask", at: 0, trial, candidate: space.sample(random), ...decision },
          { event: "tell", at: 0, trial, metrics: { loss: random.uniform() } },
        ] as const;
        for (const event of events) grown.apply(event);
      }
      const replayed = new History<unknown>();
      grown.trials.forEach(({ id, operator, parents, candidate, note, metrics }) => {
        replayed.apply({ event: "ask", at: 0, trial: id, operator, parents, candidate, note });
        replayed.apply({ event: "tell", at: 0, trial: id, metrics });
      });
      const fresh = createPolicy(spec, space);
      expect(fresh.propose(replayed, new RandomStream(99))).toEqual(
        policy.propose(grown, new RandomStream(99)),
      );
    }
  });
});
