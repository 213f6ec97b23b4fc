/** Measures layer strings with several seeds each, as an exhaustive study. */
import { type Parameter, type Point, Space, type StudyRequest } from "../../search/index.ts";
import type { Scored } from "../aggregate.ts";
import type { Protocol } from "../protocol.ts";
import { runTrials, type TrialOptions } from "../trials.ts";

export interface MeasureRequest {
  /** Which strings: all of an alphabet and a length, or a list. */
  readonly layers: Extract<Parameter, { kind: "string" | "choice" }>;
  readonly seeds: readonly number[];
  readonly protocol: Protocol;
}

export interface MeasuredRun extends Scored {
  readonly seed: number;
  /** Of tasks: steps of the run, whether accuracy got to the mark, and the accuracy at the end. */
  readonly steps?: number | undefined;
  readonly reached?: boolean | undefined;
  readonly accuracy?: number | undefined;
}

/** The study of a request. All strings at one seed come before any at the next: what is finished is always balanced. */
export function measureStudy({ layers, seeds, protocol }: MeasureRequest): {
  space: Space;
  request: StudyRequest;
} {
  const space = new Space({ seed: { kind: "ordered", values: seeds }, layers });
  return {
    space,
    request: {
      domain: "compose",
      space: {
        ...JSON.parse(JSON.stringify(space)),
        problem: { protocol: JSON.parse(JSON.stringify(protocol)) },
      },
      objectives: [{ metric: "score", direction: "minimise" }],
      policy: { name: "exhaustive" },
      budget: { trials: space.gridSize },
      seed: 1,
    },
  };
}

/** Trains what is not trained yet in `folder`; returns all runs that are done. */
export async function measure(
  folder: string,
  wanted: MeasureRequest,
  options: TrialOptions,
): Promise<MeasuredRun[]> {
  const { space, request } = measureStudy(wanted);
  const assign = ({ seed, layers }: Point) => ({
    layers: String(layers),
    seeds: [Number(seed)],
    protocol: wanted.protocol,
  });
  const { history } = await runTrials(folder, request, space, assign, options);
  return history.trials.flatMap(({ candidate, metrics }) =>
    metrics
      ? {
          layers: String(candidate!.layers),
          seed: Number(candidate!.seed),
          score: metrics.score!,
          ...(metrics.steps !== undefined && {
            steps: metrics.steps,
            reached: metrics.reached === 1,
            accuracy: metrics.accuracy,
          }),
        }
      : [],
  );
}
