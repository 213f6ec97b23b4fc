/** One way in for every log of power or energy; the format is told by the file's beginning. */
import { closeSync, openSync, readSync } from "node:fs";
import type { Supervision } from "../core/index.ts";
import { fileSize } from "./csv-stream.ts";
import type { Measurement } from "./measurement.ts";
import { readMeterRecord } from "./meter.ts";
import { type LogOptions, readPowerLog } from "./power-log.ts";
import { readPrometheusRange, readPrometheusText } from "./prometheus.ts";
import { readSlurmEnergy } from "./slurm-energy.ts";

/**
 * Reads nvidia-smi CSV, plain CSV, Slurm's `sacct --parsable2`, Prometheus text or range-query JSON, or a record of
 * `terrarium carbon meter`. Throws an `InputError` where the file is missing or is none of them.
 */
export async function readEnergyLog(
  file: string,
  options: LogOptions = {},
  supervision: Supervision = {},
): Promise<Measurement> {
  const start = beginning(file);
  if (start.startsWith("{")) {
    return start.includes("terrarium-meter") ? readMeterRecord(file) : readPrometheusRange(file);
  }
  const [first = ""] = start.split("\n");
  if (/^# (HELP|TYPE) /m.test(start) || /^\w+\{.*\} \S+/.test(first)) {
    return readPrometheusText(file, supervision);
  }
  return first.includes("|")
    ? readSlurmEnergy(file, options, supervision)
    : readPowerLog(file, options, supervision);
}

function beginning(file: string): string {
  fileSize(file);
  const handle = openSync(file, "r");
  try {
    const buffer = Buffer.alloc(4096);
    return buffer
      .toString("utf8", 0, readSync(handle, buffer))
      .replace(/^\uFEFF/, "")
      .trimStart();
  } finally {
    closeSync(handle);
  }
}
