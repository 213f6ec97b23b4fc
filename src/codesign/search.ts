/**
 * The joint search of CATransformers: model sizes and accelerator parameters as one candidate, several objectives at once,
 * on the search kernel. Area and throughput are known before anything is costed, so they bound the space; latency is an
 * outcome constraint.
 */
import { InputError, type Place, type Supervision, suggest } from "../core/index.ts";
import {
  type AcceleratorDesign,
  DESIGN_LEVELS,
  DESIGN_PARAMETERS,
  designArea,
  designFigure,
  designOperationsPerSecond,
} from "../hardware/index.ts";
import {
  bestSoFar,
  type Clock,
  type Constraint,
  createPolicy,
  drive,
  type Ending,
  type History,
  InProcessRunner,
  type Metrics,
  type Parameter,
  type Point,
  Space,
  Study,
  type StudyRequest,
  type StudySpec,
  spaceOperators,
  status,
} from "../search/index.ts";
import { costModel, type Estimator, evaluate } from "./evaluate.ts";
import type { Family } from "./families.ts";
import type { Direction } from "./quality.ts";
import type { Scenario } from "./scenario.ts";

/** What can be sought or bounded. Carbon, energy and cost are over the life of the accelerator. */
export const OBJECTIVES = {
  quality: { unit: "1", direction: undefined, title: "quality" },
  latency: { unit: "s", direction: "minimise", title: "latency" },
  energy: { unit: "kWh", direction: "minimise", title: "lifetime energy" },
  carbon: { unit: "kgCO2e", direction: "minimise", title: "lifetime carbon" },
  cost: { unit: "USD", direction: "minimise", title: "die and electricity" },
  area: { unit: "mm2", direction: "minimise", title: "die area" },
} as const;
export type ObjectiveName = keyof typeof OBJECTIVES;
const OBJECTIVE_NAMES = Object.keys(OBJECTIVES) as readonly ObjectiveName[];

export interface Limits {
  /** 50 ms unless given; `Infinity` for none. */
  readonly latencySeconds?: number | undefined;
  readonly areaSquareCentimetres?: number | undefined;
  readonly operationsPerSecond?: number | undefined;
}

export interface SearchRequest {
  readonly family: Family;
  readonly objectives: readonly ObjectiveName[];
  readonly limits?: Limits | undefined;
  readonly scenario: Scenario;
  readonly estimator: Estimator;
  /** Parameters that the search leaves alone: only hardware, or only the model. */
  readonly fixed?: Readonly<Record<string, number>> | undefined;
  /** A policy of the search kernel and its options; Bayesian (noisy expected hypervolume improvement) unless given. */
  readonly policy?: StudyRequest["policy"] | undefined;
  readonly trials: number;
  readonly seed: number;
}

export interface SearchPoint {
  readonly trial: number;
  readonly candidate: Point;
  readonly metrics: Metrics;
}

export interface SearchResult {
  readonly objectives: readonly ObjectiveName[];
  readonly ending: Ending;
  readonly front: readonly SearchPoint[];
  /** Of the feasible trials so far, after each trial. */
  readonly hypervolume: readonly number[];
  readonly feasible: number;
  readonly failed: number;
}

/** Reads `quality,carbon`. Throws an `InputError` for an unknown or repeated name. */
export function parseObjectives(text: string, place?: Place): ObjectiveName[] {
  const names = text.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !OBJECTIVE_NAMES.includes(name as ObjectiveName));
  if (unknown !== undefined || new Set(names).size !== names.length) {
    throw new InputError({
      place,
      found: `"${text}"`,
      expected: `different names among ${OBJECTIVE_NAMES.join(", ")}, with commas`,
      remedy: unknown === undefined ? "name each once" : suggest(unknown, OBJECTIVE_NAMES),
    });
  }
  return names as ObjectiveName[];
}

/** What an objective is called, with its unit. */
export function objectiveLabel(name: ObjectiveName): string {
  const { title, unit } = OBJECTIVES[name];
  return unit === "1" ? title : `${title} (${unit})`;
}

/** Reads `cores=1`, one a parameter. Throws an `InputError` for what is no name and number. */
export function parseFixed(texts: readonly string[], place?: Place): Record<string, number> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([A-Za-z]+)=(\d+)$/.exec(text.trim()) ?? [];
      if (name !== undefined && value !== undefined) return [name, Number(value)];
      throw new InputError({
        place,
        found: `"${text}"`,
        expected: "a parameter and a whole number, such as cores=1",
      });
    }),
  );
}

/** The space of a family and the accelerator: 14 ordered parameters for CLIP. Throws an `InputError` for a wrong `fixed`. */
export function jointSpace(
  family: Family,
  limits: Limits = {},
  fixed: Readonly<Record<string, number>> = {},
): Space {
  const parameters: Record<string, Parameter> = { ...family.parameters };
  for (const name of DESIGN_PARAMETERS) {
    if (name in parameters)
      throw new Error(`${family.name} and the accelerator both have a parameter ${name}`);
    parameters[name] = { kind: "ordered", values: DESIGN_LEVELS[name] };
  }
  for (const [name, value] of Object.entries(fixed)) {
    const parameter = parameters[name];
    if (parameter?.kind !== "ordered" || !parameter.values.includes(value)) {
      throw new InputError({
        place: { path: name },
        found: String(value),
        expected:
          parameter?.kind === "ordered"
            ? `one of ${parameter.values.join(", ")}`
            : "a parameter of the space",
        remedy: parameter ? undefined : suggest(name, Object.keys(parameters)),
      });
    }
    parameters[name] = { kind: "ordered", values: [value] };
  }
  const area = limits.areaSquareCentimetres ?? designFigure("constraint", "area");
  const throughput = limits.operationsPerSecond ?? designFigure("constraint", "throughput") * 1e12;
  requireLimit(area, "area");
  requireLimit(throughput, "throughput");
  const constraints: Constraint[] = [
    {
      name: `area at most ${(area * 100).toPrecision(4)} mm2`,
      holds: (point) => designArea(designOf(point)) <= area,
    },
    {
      name: `at most ${(throughput / 1e12).toPrecision(4)} TOPS`,
      holds: (point) => designOperationsPerSecond(designOf(point)) <= throughput,
    },
  ];
  return new Space(parameters, constraints);
}

export function designOf(point: Point): AcceleratorDesign {
  return Object.fromEntries(
    DESIGN_PARAMETERS.map((name) => [name, Number(point[name])]),
  ) as unknown as AcceleratorDesign;
}

/** The metrics of candidates, costing each matrix product once. */
export function candidateMetrics({
  family,
  scenario,
  estimator,
}: Pick<SearchRequest, "family" | "scenario" | "estimator">): (point: Point) => Metrics {
  const costs = costModel(estimator);
  return (point) => {
    const found = evaluate(family.workload(point), designOf(point), scenario, costs);
    const quality = family.quality?.predict(family.sizes(point), family.capacities(point));
    return {
      latency: found.latencySeconds,
      energy: (found.energyJoules * scenario.inferences) / 3.6e6,
      carbon: found.carbon,
      embodied: found.embodiedCarbon,
      cost: found.cost,
      area: found.areaSquareCentimetres * 100,
      throughput: found.operationsPerSecond / 1e12,
      parameters: found.parameters,
      ...(quality ? { quality: quality.value, extrapolates: Number(quality.extrapolates) } : {}),
    };
  };
}

/** What `study.json` keeps beside the space: trials of another problem must not be continued with. */
export interface StudiedProblem {
  readonly family: string;
  readonly estimator: string;
  readonly region: string;
  readonly inferences: number;
  readonly carbonPerArea: number;
  readonly costPerJoule: number;
  readonly quality?: {
    readonly direction: Direction;
    readonly known: readonly { readonly name: string; readonly quality: number }[];
  };
}

/** The study that a request asks for. Throws an `InputError` when its parts do not fit together. */
export function studyRequest(request: SearchRequest, space: Space): StudyRequest {
  const { family, objectives, policy = { name: "bayesian", noise: false }, trials, seed } = request;
  if (!Number.isInteger(trials) || trials < 1) {
    throw new InputError({
      place: { path: "trials" },
      found: String(trials),
      expected: "a whole number of at least 1",
    });
  }
  if (objectives.includes("quality") && !family.quality) {
    throw new InputError({
      place: { path: "objectives" },
      found: `quality of ${family.name}, of which nothing is known`,
      expected: "a family with known quality, or a table of your own",
      remedy: "give a quality table, or seek latency, energy, carbon, cost or area",
    });
  }
  const latency = request.limits?.latencySeconds ?? designFigure("constraint", "latency");
  requireLimit(latency, "latency");
  return {
    domain: "codesign",
    space: {
      ...JSON.parse(JSON.stringify(space)),
      problem: {
        family: family.name,
        estimator: request.estimator,
        region: request.scenario.region,
        inferences: request.scenario.inferences,
        carbonPerArea: request.scenario.carbonPerArea,
        costPerJoule: request.scenario.costPerJoule,
        ...(family.quality && {
          quality: {
            direction: family.quality.direction,
            known: family.quality.known.map(({ name, quality }) => ({ name, quality })),
          },
        }),
      } satisfies StudiedProblem,
    },
    objectives: objectives.map((name) => ({
      metric: name,
      direction: OBJECTIVES[name].direction ?? family.quality!.direction,
      reference: reference(name, family),
    })),
    outcomeConstraints: Number.isFinite(latency) ? [{ metric: "latency", atMost: latency }] : [],
    policy,
    budget: { trials },
    seed,
  };
}

/** Works on the study in `folder` until its trials are done; a study that was stopped goes on. */
export async function codesign(
  folder: string,
  request: SearchRequest,
  { clock, progress, signal }: Supervision & { readonly clock: Clock },
): Promise<SearchResult> {
  const space = jointSpace(request.family, request.limits, request.fixed);
  const metricsOf = candidateMetrics(request);
  const study = Study.open<Point>(folder, studyRequest(request, space), {
    clock,
    onEvent: ({ event, trial }) => {
      if (event === "tell")
        progress?.({ activity: "searching", done: trial + 1, total: request.trials, unit: "trials" });
    },
  });
  const runner = new InProcessRunner<Point>((candidate) => metricsOf(candidate), { clock });
  try {
    const policy = createPolicy(study.spec, space);
    const operators = spaceOperators(space);
    const ending = await drive(study, { policy, operators, runner, signal });
    return { ending, ...summarise(study.spec, study.history) };
  } finally {
    await runner.close();
    study.close();
  }
}

/** The front and the hypervolume by trial of a study of this room. */
export function summarise(spec: StudySpec, history: History<Point>): Omit<SearchResult, "ending"> {
  const { best, trials, infeasible } = status({ spec, history });
  // The kernel's measure of one objective is its value; as a hypervolume that is how far it is within the reference.
  const single = spec.objectives.length === 1 ? spec.objectives[0]! : undefined;
  const volume = (value: number): number => {
    if (!single) return value;
    const inside = single.direction === "minimise" ? single.reference! - value : value - single.reference!;
    return inside > 0 ? inside : 0;
  };
  return {
    objectives: spec.objectives.map(({ metric }) => metric as ObjectiveName),
    front: best.map((point) => ({ ...point, candidate: point.candidate as Point })),
    hypervolume: bestSoFar({ spec, history })!.map(volume),
    feasible: trials.complete - infeasible,
    failed: history.failedCount,
  };
}

/** In the metric's own unit. Losses have no published reference: the worst known model stands for it. */
function reference(name: ObjectiveName, { quality }: Family): number {
  switch (name) {
    case "quality":
      return quality!.direction === "maximise"
        ? designFigure("reference", "quality")
        : Math.max(...quality!.known.map((model) => model.quality));
    case "energy":
      return designFigure("reference", "energy") / 3.6e6;
    case "area":
      return designFigure("reference", "area") * 100;
    default:
      return designFigure("reference", name);
  }
}

function requireLimit(value: number, path: string): void {
  if (value > 0) return;
  throw new InputError({ place: { path }, found: String(value), expected: "a limit above 0" });
}
