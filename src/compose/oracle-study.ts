/** The oracle: every layer string of a space trained with several seeds, as an exhaustive study. */
import { type Point, Space, type StudyRequest } from "../search/index.ts";
import type { Protocol } from "./protocol.ts";
import { runTrials, type TrialOptions } from "./trials.ts";

export interface OracleRequest {
  readonly primitives: string;
  readonly layers: number;
  readonly seeds: number;
  readonly protocol: Protocol;
}

/** All strings at seed 1 come before any at seed 2, so that what is finished is always balanced. */
export function oracleSpace({ primitives, layers, seeds }: OracleRequest): Space {
  return new Space({
    seed: { kind: "ordered", values: Array.from({ length: seeds }, (_, i) => i + 1) },
    layers: { kind: "string", alphabet: primitives, length: layers },
  });
}

export function oracleStudy(request: OracleRequest): StudyRequest {
  const space = oracleSpace(request);
  return {
    domain: "compose",
    space: { ...JSON.parse(JSON.stringify(space)), problem: JSON.parse(JSON.stringify(request.protocol)) },
    objectives: [{ metric: "score", direction: "minimise" }],
    policy: { name: "exhaustive" },
    budget: { trials: space.gridSize },
    seed: 1,
  };
}

/** Measures what is not measured yet. */
export async function measureOracle(folder: string, request: OracleRequest, options: TrialOptions) {
  const assign = ({ seed, layers }: Point) => ({
    layers: String(layers),
    seeds: [Number(seed)],
    protocol: request.protocol,
  });
  return await runTrials(folder, oracleStudy(request), oracleSpace(request), assign, options);
}
