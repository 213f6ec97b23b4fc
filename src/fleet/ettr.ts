/**
 * ETTR, the effective training time ratio of a job run: productive time over the wall-clock time in which the run was
 * running or waiting to. Closed forms for planning, the exact renewal form they approximate, and a simulation of the
 * same process that checks both.
 *
 * Symbols: lambda failures of the whole job per second (N r_f), dt checkpoint interval, u0 restart time, q queue time
 * before each (re)start, w time to write a checkpoint (0 where writing overlaps training), R productive time.
 *
 *   v1       [1 - lambda (u0 + dt/2)] / [1 + (u0 + q)/R + lambda q]             arXiv:2410.21680v1
 *   v2       [1 - lambda (u0 + dt/2)] / [1 + w/dt]                              arXiv:2410.21680v2
 *   closed   [1 - lambda (u0 + dt/2)] / [1 + w/dt + (u0 + q)/R + lambda q]      both overheads together
 *   exact    dt / { (1/lambda + q) e^(lambda u0) [e^(lambda (dt + w)) - 1] }    Daly 2006, with queueing
 *
 * Assumes Poisson failures, each of which ends the job, and a restart from the last finished checkpoint.
 */
import { type Dimensionless, Estimate, type RandomStream } from "../core/index.ts";
import type { FailureRate } from "./mttf.ts";

export interface RunParameters {
  /** Failures of the whole job per second: nodes times the rate of a node. */
  readonly failuresPerSecond: number;
  readonly checkpointIntervalSeconds: number;
  readonly restartSeconds: number;
  /** Wait before the first start and every restart. Default 0. */
  readonly queueSeconds?: number | undefined;
  /** Time that writing a checkpoint holds training up. Default 0: written in the background. */
  readonly checkpointWriteSeconds?: number | undefined;
  /** Productive time of the whole run. Default infinite: the share of a run that never ends. */
  readonly productiveSeconds?: number | undefined;
}

/** Expected ETTR, first version of the paper: no write time. Falls to 0 and below outside its domain. */
export function ettrV1(run: RunParameters): number {
  return ettrClosedForm({ ...run, checkpointWriteSeconds: 0 });
}

/** Expected ETTR, second version of the paper: no queueing, and a run that never ends. */
export function ettrV2(run: RunParameters): number {
  return ettrClosedForm({ ...run, queueSeconds: 0, productiveSeconds: Number.POSITIVE_INFINITY });
}

/** Expected ETTR with both versions' overheads. */
export function ettrClosedForm(run: RunParameters): number {
  const { lambda, dt, u0, q, w, R } = symbols(run);
  return (1 - lambda * (u0 + dt / 2)) / (1 + w / dt + (u0 + q) / R + lambda * q);
}

/**
 * Exact expected ETTR of the renewal process. Every checkpoint interval is a renewal: it takes
 * (1/lambda + q) e^(lambda u0) [e^(lambda (dt + w)) - 1] on average, restarts and waits included. A finite run adds its
 * first wait and start, (1/lambda + q) e^(lambda u0) - 1/lambda, and a last interval that may be shorter. For a finite
 * run the result is R over the expected wall-clock time.
 */
export function ettrExact(run: RunParameters): number {
  const { lambda, dt, u0, q, w, R } = symbols(run);
  if (lambda === 0) return 1 / (1 + w / dt + (u0 + q) / R);
  const perFailure = (1 / lambda + q) * Math.exp(lambda * u0);
  const interval = (length: number) => perFailure * Math.expm1(lambda * length);
  if (R === Number.POSITIVE_INFINITY) return dt / interval(dt + w);
  const whole = Math.floor(R / dt);
  const remainder = R - whole * dt;
  const first = q * Math.exp(lambda * u0) + Math.expm1(lambda * u0) / lambda;
  return R / (first + whole * interval(dt + w) + (remainder > 0 ? interval(remainder * (1 + w / dt)) : 0));
}

/**
 * ETTR by simulating `trials` runs of the same process. Returns total productive over total wall-clock time, which is
 * what the exact form gives, its standard error (delta method), and the ETTR of each run. Needs a finite
 * `productiveSeconds`.
 */
export function ettrMonteCarlo(
  run: RunParameters,
  trials: number,
  stream: RandomStream,
): { ettr: number; standardError: number; perRun: Float64Array } {
  const { lambda, dt, u0, q, w, R } = symbols(run);
  if (!Number.isFinite(R)) throw new RangeError("a simulated run needs a finite productive time");
  const stretch = 1 + w / dt;
  const wallclock = new Float64Array(trials);
  for (let trial = 0; trial < trials; trial++) {
    let time = q;
    let progress = 0;
    for (;;) {
      const untilFailure = stream.exponential(lambda);
      const untilDone = u0 + (R - progress) * stretch;
      if (untilFailure >= untilDone) {
        time += untilDone;
        break;
      }
      time += untilFailure + q;
      if (untilFailure > u0) progress += Math.floor((untilFailure - u0) / (dt + w)) * dt;
    }
    wallclock[trial] = time;
  }
  const mean = wallclock.reduce((sum, time) => sum + time, 0) / trials;
  const variance = wallclock.reduce((sum, time) => sum + (time - mean) ** 2, 0) / Math.max(1, trials - 1);
  const ettr = R / mean;
  return {
    ettr,
    standardError: (ettr * Math.sqrt(variance / trials)) / mean,
    perRun: wallclock.map((time) => R / time),
  };
}

export interface ExpectedEttr {
  readonly ettr: number;
  readonly form: "closed" | "exact";
  /** Set where the closed form was refused. */
  readonly warning: string | undefined;
}

/**
 * Expected ETTR by the closed form where that is in its domain, else by the exact form with a warning: once
 * lambda (u0 + dt/2) reaches 1 the closed form promises no progress at all, which is its error and not the run's.
 */
export function expectedEttr(run: RunParameters): ExpectedEttr {
  const { lambda, dt, u0 } = symbols(run);
  const lossPerFailureTime = lambda * (u0 + dt / 2);
  if (lossPerFailureTime < 1) return { ettr: ettrClosedForm(run), form: "closed", warning: undefined };
  return { ettr: ettrExact(run), form: "exact", warning: refusal(lossPerFailureTime) };
}

function refusal(lossPerFailureTime: number): string {
  return `a failure costs ${lossPerFailureTime.toFixed(2)} times the mean time between failures (restart plus half an interval), so the closed form does not hold; the exact renewal form is given`;
}

/** Checkpoint interval sqrt(2 w / lambda) in seconds (Young 1974, Daly 2006). */
export function dalyYoungInterval(failuresPerSecond: number, writeSeconds: number): number {
  return Math.sqrt((2 * writeSeconds) / failuresPerSecond);
}

/** The interval that maximises v2: -w + sqrt(w^2 + 2 w (1 - lambda u0) / lambda). 0 where no interval makes progress. */
export function optimalIntervalV2(
  failuresPerSecond: number,
  writeSeconds: number,
  restartSeconds: number,
): number {
  const w = writeSeconds;
  const headroom = (1 - failuresPerSecond * restartSeconds) / failuresPerSecond;
  return headroom <= 0 ? 0 : Math.sqrt(w * w + 2 * w * headroom) - w;
}

/**
 * The interval that maximises the exact form, (1 + W0(-e^-(1 + lambda w))) / lambda with Lambert's W: neither the
 * restart nor the queue moves it.
 */
export function optimalIntervalExact(failuresPerSecond: number, writeSeconds: number): number {
  if (writeSeconds === 0) return 0;
  return (1 + lambertW(-Math.exp(-1 - failuresPerSecond * writeSeconds))) / failuresPerSecond;
}

/**
 * The interval between the starts of checkpoints that maximises availability: Ts + sqrt(2 (Tf + Tr) Ts + Ts^2), with
 * Ts to save, Tf mean time to failure, Tr to recover. Source: arXiv:2410.18124.
 */
export function availabilityOptimalInterval(
  saveSeconds: number,
  mttfSeconds: number,
  recoverSeconds: number,
): number {
  return saveSeconds + Math.sqrt(2 * (mttfSeconds + recoverSeconds) * saveSeconds + saveSeconds ** 2);
}

/** Principal branch of Lambert's W on [-1/e, 0], by Halley's iteration from the expansion at the branch point. */
function lambertW(x: number): number {
  const p = Math.sqrt(Math.max(0, 2 * (Math.E * x + 1)));
  let w = -1 + p - (p * p) / 3 + (11 * p ** 3) / 72;
  // At the branch point itself the expansion is exact and the iteration divides by zero.
  for (let i = 0; i < 20 && w > -1; i++) {
    const e = Math.exp(w);
    const f = w * e - x;
    const step = f / (e * (w + 1) - ((w + 2) * f) / (2 * w + 2));
    if (!Number.isFinite(step)) break;
    w -= step;
    if (Math.abs(step) < 1e-15) break;
  }
  return w;
}

interface Symbols {
  lambda: number;
  dt: number;
  u0: number;
  q: number;
  w: number;
  R: number;
}

function symbols(run: RunParameters): Symbols {
  const {
    failuresPerSecond: lambda,
    checkpointIntervalSeconds: dt,
    restartSeconds: u0,
    queueSeconds: q = 0,
    checkpointWriteSeconds: w = 0,
    productiveSeconds: R = Number.POSITIVE_INFINITY,
  } = run;
  if (!(lambda >= 0 && dt > 0 && u0 >= 0 && q >= 0 && w >= 0 && R > 0)) {
    throw new RangeError(
      `ETTR needs a checkpoint interval and a run above 0 and nothing below 0, not ${JSON.stringify(run)}`,
    );
  }
  return { lambda, dt, u0, q, w, R };
}

type Duration = Estimate<{ time: 1 }>;

/** A run whose parts are uncertain. */
export interface RunEstimates {
  readonly failureRate: FailureRate;
  readonly nodes: Estimate<{ nodes: 1 }>;
  readonly checkpointInterval: Duration;
  readonly restart: Duration;
  readonly queue: Duration;
  readonly checkpointWrite: Duration;
  readonly productive: Duration;
}

export interface EttrEstimate {
  readonly ettr: Estimate<Dimensionless>;
  /** Set where in some draws a failure costs more than the mean time between failures: the run hardly proceeds. */
  readonly warning: string | undefined;
}

/**
 * Expected ETTR draw by draw, by the exact form: an uncertain failure rate reaches where the closed form is no longer
 * good (5 % too low once lambda (u0 + dt/2) is 0.3, and of no meaning from 1), and the best interval is the exact one's.
 */
export function ettr(run: RunEstimates): EttrEstimate {
  const { failureRate, nodes, checkpointInterval, restart, queue, checkpointWrite, productive } = run;
  let draws = 0;
  let hopeless = 0;
  const estimate = Estimate.combine(
    [failureRate, nodes, checkpointInterval, restart, queue, checkpointWrite, productive],
    "1",
    (r, n, dt, u0, q, w, R) => {
      const lambda = r * n;
      draws++;
      if (lambda * (u0 + dt / 2) >= 1) hopeless++;
      return ettrExact({
        failuresPerSecond: lambda,
        checkpointIntervalSeconds: dt,
        restartSeconds: u0,
        queueSeconds: q,
        checkpointWriteSeconds: w,
        productiveSeconds: R,
      });
    },
  );
  const warning =
    hopeless === 0
      ? undefined
      : `in ${((100 * hopeless) / draws).toFixed(0)} % of the draws a failure costs more than the mean time between failures: save more often, or restart faster`;
  return { ettr: estimate, warning };
}

/** The checkpoint interval that maximises the exact ETTR, draw by draw. */
export function optimalCheckpointInterval(
  failureRate: FailureRate,
  nodes: Estimate<{ nodes: 1 }>,
  checkpointWrite: Duration,
): Duration {
  return Estimate.combine([failureRate, nodes, checkpointWrite], "s", (r, n, w) =>
    optimalIntervalExact(r * n, w),
  );
}
