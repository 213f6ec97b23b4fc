/**
 * What a log of attempts says about nodes failing: failures and the node-days in which they could have happened.
 * Source of the estimator: arXiv:2410.21680 (NODE_FAIL, or FAILED with a critical health check; jobs above 128 GPUs).
 */
import type { AttemptTable } from "./attempts.ts";
import type { LoggedFailures } from "./failure-rate.ts";
import { DAY_SECONDS } from "./mttf.ts";
import { STATE_CODE } from "./states.ts";

export interface ExposureOptions {
  /** Only attempts of more accelerators count. Default 0: all; the paper takes 128, where its log has enough. */
  readonly moreAcceleratorsThan?: number | undefined;
  /** Attempts that ended FAILED because of the hardware (from attribution) count beside NODE_FAIL. */
  readonly hardwareFailure?: ((row: number) => boolean) | undefined;
}

/** Node failures and node-days of all attempts that ran. */
export function nodeFailures(table: AttemptTable, options: ExposureOptions = {}): LoggedFailures {
  const { moreAcceleratorsThan = 0, hardwareFailure } = options;
  let failures = 0;
  let nodeSeconds = 0;
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    if (moreAcceleratorsThan > 0 && !(table.accelerators[row]! > moreAcceleratorsThan)) continue;
    nodeSeconds += elapsed * table.nodes[row]!;
    const failed = table.state[row] === STATE_CODE.NODE_FAIL || (hardwareFailure?.(row) ?? false);
    if (failed) failures++;
  }
  const files = table.sources.join(", ") || "attempts";
  return {
    failures,
    nodeDays: nodeSeconds / DAY_SECONDS,
    source: { id: files, title: files, where: "attempts that ran" },
  };
}
