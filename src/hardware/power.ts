/**
 * Power of one accelerator at a share of busy time: P = limit x (idle + (busy draw - idle) x busy share). A straight line
 * between two levels, each with its range in `data/efficiencies.csv`.
 */
import { type Dimensionless, Estimate, type Sampler } from "../core/index.ts";
import { type Accelerator, powerLimit } from "./accelerators.ts";
import { programEfficiency } from "./efficiencies.ts";

export type PowerPerAccelerator = Estimate<{ energy: 1; time: -1; accelerators: -1 }>;

/** `busyShare` is the share of time in which kernels run, 0 to 1; `program` names the level of draw while they do. */
export function averagePower(
  sampler: Sampler,
  a: Accelerator,
  program: "training" | "decoding",
  busyShare: Estimate<Dimensionless>,
): PowerPerAccelerator {
  return Estimate.combine(
    [
      powerLimit(sampler, a),
      programEfficiency(sampler, "power", "idle share of the limit", "1"),
      programEfficiency(sampler, "power", `${program} share of the limit`, "1"),
      busyShare,
    ],
    "W/accelerator",
    (limit, idle, busy, share) => limit * (idle + (Math.max(busy, idle) - idle) * share),
  );
}
