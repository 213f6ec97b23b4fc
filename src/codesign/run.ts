/** A whole co-design: a study for each set of objectives, one after another, and what they say side by side. */
import { join } from "node:path";
import { formatNumber, type Supervision } from "../core/index.ts";
import type { Clock } from "../search/index.ts";
import { type SideBySide, sideBySide } from "./compare.ts";
import type { Family } from "./families.ts";
import type { QualitySurrogate } from "./quality.ts";
import { codesign, type ObjectiveName, type SearchRequest } from "./search.ts";
import type { TrainedFamily } from "./trained.ts";

export interface RunOptions extends Supervision {
  readonly clock: Clock;
  /** Optima are compared among designs that are at least as good. */
  readonly quality?: number | undefined;
}

/**
 * Works on one study in `folder` for each of `sets` (quality and carbon where there is none, or carbon and latency of a
 * family without known quality) until all are done; then, of a family that the lab trains, on models of their fronts.
 * Aborted, it throws the signal's reason, and called again it goes on.
 */
export async function runStudies(
  request: Omit<SearchRequest, "objectives"> & { readonly family: Family | TrainedFamily },
  sets: readonly (readonly ObjectiveName[])[],
  folder: string,
  { quality, ...options }: RunOptions,
): Promise<SideBySide> {
  const { family } = request;
  const asked = sets.length > 0 ? sets : [family.quality ? DEFAULT_OBJECTIVES : HARDWARE_OBJECTIVES];
  const folders: string[] = [];
  for (const objectives of asked) {
    const study = join(folder, objectives.join("-"));
    await codesign(study, { ...request, objectives }, options);
    options.signal?.throwIfAborted();
    folders.push(study);
  }
  const found = sideBySide(folders, {
    quality,
    notes: family.quality && [qualityNote(family.quality)],
  });
  if (!("confirm" in family)) return found;
  const front = found.studies.flatMap((study) => study.front.map(({ candidate }) => candidate));
  return { ...found, confirmations: await family.confirm(front, options) };
}

const DEFAULT_OBJECTIVES: readonly ObjectiveName[] = ["quality", "carbon"];
const HARDWARE_OBJECTIVES: readonly ObjectiveName[] = ["carbon", "latency"];

function qualityNote({ evidence, known, leaveOneOutError }: QualitySurrogate): string {
  const models = `${known.length} ${evidence.basis} models`;
  return leaveOneOutError === undefined
    ? `Quality is that of ${models}; only they are searched.`
    : `Quality is a surrogate through ${models}; each of them left out is missed by ${formatNumber(leaveOneOutError)} (root mean square).`;
}
