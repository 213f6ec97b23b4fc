/** Learning rates as functions of the step: step 0 is the first update. */

export type Schedule = (step: number) => number;

export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;

export interface WarmupOptions {
  readonly peak: number;
  /** Steps in which the rate climbs linearly; the first update already has peak / warmupSteps. Default 0. */
  readonly warmupSteps?: number;
  /** Updates in the whole run. */
  readonly steps: number;
  /** The rate at the end, as a fraction of the peak. Default 0. */
  readonly floor?: number;
}

/** Linear warm-up, then half a cosine down to the floor (Loshchilov and Hutter, arXiv:1608.03983, without restarts). */
export function cosineSchedule({ peak, warmupSteps = 0, steps, floor = 0 }: WarmupOptions): Schedule {
  return (step) => {
    if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
    const progress = Math.min(1, (step - warmupSteps) / Math.max(1, steps - warmupSteps));
    return peak * (floor + ((1 - floor) * (1 + Math.cos(Math.PI * progress))) / 2);
  };
}

export interface TrapezoidOptions extends WarmupOptions {
  /** Steps at the end in which the rate falls linearly to the floor. */
  readonly decaySteps: number;
}

/** Warm-up, a constant plateau, then a linear decay: WSD (Hu et al., arXiv:2404.06395; Hägele et al., arXiv:2405.18392). */
export function trapezoidSchedule({
  peak,
  warmupSteps = 0,
  steps,
  decaySteps,
  floor = 0,
}: TrapezoidOptions): Schedule {
  return (step) => {
    if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
    const left = Math.max(0, steps - step);
    return left >= decaySteps ? peak : peak * (floor + ((1 - floor) * left) / decaySteps);
  };
}
