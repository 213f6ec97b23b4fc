/** The published runs of arXiv:2510.04800 (`data/hybrid-runs.csv`) as points that a law can be fitted to. */
import { dataFile, readCsv } from "../core/index.ts";
import { parameters, preset, trainingFlopsPerToken } from "../model/index.ts";
import type { Run } from "./run.ts";

/** Families with an isoFLOP sweep of their own, of hybrids one attention block in six. */
export const FAMILIES = ["transformer", "ssm", "inter-layer", "intra-layer"] as const;
export type Family = (typeof FAMILIES)[number];

/** Blocks by token mixer: attention, sliding window, state space, intra-layer hybrid. */
export interface Mixers {
  readonly A: number;
  readonly W: number;
  readonly S: number;
  readonly H: number;
}

export interface HybridRun {
  readonly study: "isoflop" | "equal tokens" | "equal compute" | "positions";
  readonly family: Family | "sliding-window";
  readonly size: string;
  /** Its name among the published models, where it has one. */
  readonly model: string | undefined;
  readonly mixers: Mixers;
  /** Blocks (from 1) that hold attention or an intra-layer hybrid; empty where the run was not about them. */
  readonly attentionAt: readonly number[];
  readonly budgetFlops: number | undefined;
  readonly tokens: number | undefined;
  /** Validation loss on DCLM, nats a token. */
  readonly loss: number;
  readonly note: string;
}

/** Tokens of context in every one of these runs. */
const CONTEXT = 8192;

let loaded: readonly HybridRun[] | undefined;

/** All published runs. Read once, at first use. */
export function hybridRuns(): readonly HybridRun[] {
  loaded ??= readCsv(dataFile("hybrid-runs.csv")).map(({ row }) => ({
    study: row.study as HybridRun["study"],
    family: row.family as HybridRun["family"],
    size: row.size!,
    model: row.model || undefined,
    mixers: parseMixers(row.mixers!),
    attentionAt: row.attentionAt ? row.attentionAt.split(" ").map(Number) : [],
    budgetFlops: row.budgetFlops ? Number(row.budgetFlops) : undefined,
    tokens: row.tokens ? Number(row.tokens) : undefined,
    loss: Number(row.loss),
    note: row.note!,
  }));
  return loaded;
}

/** `2A 11S` as counts. */
function parseMixers(text: string): Mixers {
  const counts = { A: 0, W: 0, S: 0, H: 0 };
  for (const part of text.split(" ")) counts[part.at(-1) as keyof Mixers] += Number(part.slice(0, -1));
  return counts;
}

/** The run as a point: parameters without embedding and norms, and the tokens that it saw or that its budget bought. */
export function asPoint(run: HybridRun): Run {
  if (run.model === undefined)
    throw new Error(`no model is described for this ${run.size} ${run.family} run`);
  const { architecture } = preset(run.model);
  return {
    parameters: parameters(architecture).primitives,
    tokens: run.tokens ?? run.budgetFlops! / trainingFlopsPerToken(architecture, CONTEXT),
    loss: run.loss,
  };
}

/** The isoFLOP runs of each family, in the order of `FAMILIES`. */
export function isoFlopRuns(): readonly (readonly HybridRun[])[] {
  const runs = hybridRuns().filter(({ study }) => study === "isoflop");
  return FAMILIES.map((family) => runs.filter((run) => run.family === family));
}
