/**
 * Bayesian optimisation: a Gaussian process for each objective and constraint, and the candidate with the largest
 * log acquisition next. One objective: noisy expected improvement. Several: noisy expected hypervolume improvement
 * (Monte Carlo over fronts, exact for each), or ParEGO (Knowles 2006). Outcome constraints weigh the acquisition by the
 * probability of feasibility. Trials under way are fantasised, so that any number of evaluations can run side by side.
 */
import type { RandomStream } from "../../core/index.ts";
import { UndominatedRegion } from "../gp/expected-hypervolume.ts";
import { logExpectedImprovement, logProbabilityNegative } from "../gp/expected-improvement.ts";
import { Fantasies, normalRows } from "../gp/fantasies.ts";
import { categoricalDimensions, KERNEL_SHAPES, type KernelShape } from "../gp/kernel.ts";
import { maximise } from "../gp/maximise.ts";
import { condition, type FittedKernel, fitKernel, type GaussianProcess, predict } from "../gp/regression.ts";
import type { View } from "../history.ts";
import { type Goal, referenceLosses } from "../objectives.ts";
import { paretoFront } from "../pareto/front.ts";
import type { Policy } from "../policy.ts";
import type { Point, Space } from "../space/space.ts";
import { evidenceView, type Observations, observe } from "./evidence.ts";
import { lastIndex, nextSobolPoint, sequenceFor } from "./simple.ts";

export interface BayesianOptions {
  /** Unless given, each model takes whichever of the two its observations make more likely. */
  readonly kernel?: KernelShape | undefined;
  /** Whether evaluating a candidate again can give other metrics. Default true; false never repeats a candidate. */
  readonly noise?: boolean | undefined;
  /** Sobol trials before the first model. Default 2 (d + 1), from 5 to 20. */
  readonly initial?: number | undefined;
  /** For several objectives. Default `hypervolume`. */
  readonly acquisition?: "hypervolume" | "parego" | undefined;
  /** Posterior samples that an acquisition is averaged over, where it is. Default 32. */
  readonly samples?: number | undefined;
  /** Most trials that the models are fitted to (see evidence.ts for what happens beyond, where the search for the largest acquisition is shorter too). Default 200. */
  readonly maxObservations?: number | undefined;
}

/** Hyper-parameters for each objective and each constraint. */
interface Kernels {
  readonly losses: readonly FittedKernel[];
  readonly slacks: readonly FittedKernel[];
}

export function bayesianPolicy(
  space: Space,
  goal: Goal,
  seed: number,
  options: BayesianOptions = {},
): Policy<Point> {
  const d = space.dimensions.length;
  const {
    kernel,
    noise = true,
    initial = Math.min(20, Math.max(5, 2 * (d + 1))),
    acquisition = "hypervolume",
    samples = 32,
    maxObservations = 200,
  } = options;
  const shapes = kernel ? [kernel] : KERNEL_SHAPES;
  const regression = { shapes, categorical: categoricalDimensions(space.dimensions), noisy: noise };
  const sequence = sequenceFor(space, seed);
  const tried = triedView(space, noise);
  const evidenceSoFar = evidenceView<Kernels>(goal, maxObservations, seed);
  const scalar = acquisition === "parego" && goal.objectives.length > 1;
  const rowsOf = (seen: Observations, random: RandomStream) =>
    scalar ? scalarise(seen, random) : seen.losses;
  const kernelsFor = ({ points, slacks }: Observations, rows: readonly (readonly number[])[]): Kernels => {
    const columns = (of: readonly (readonly number[])[]): FittedKernel[] =>
      of[0]!.map((_, k) => fitKernel(points, column(of, k), regression));
    return { losses: columns(rows), slacks: columns(slacks) };
  };

  return {
    propose(history, random) {
      const { completeCount } = history;
      if (history.trials.length < initial || completeCount < 2)
        return { operator: "sobol", parents: [], ...nextSobolPoint(space, sequence, lastIndex(history) + 1) };
      const evidence = history.view(evidenceSoFar);
      const seen = observe(space, goal, evidence.sample(random.split("subsample")));
      const rows = rowsOf(seen, random);
      const earlier = evidence.kernels((trials, stream) => {
        const then = observe(space, goal, trials);
        return kernelsFor(then, rowsOf(then, stream));
      });
      const pending = history.unsettled.flatMap(({ candidate }) => (candidate ? [candidate] : []));
      const model = new Model(
        seen,
        rows,
        earlier?.kernels ?? kernelsFor(seen, rows),
        pending.map((candidate) => space.encode(candidate)),
        noise,
        earlier ? Math.ceil(samples / 4) : samples,
        random.split("samples"),
      );
      const score =
        rows[0]!.length === 1 ? improvementScore(model) : hypervolumeScore(model, referenceOf(goal, seen));
      const settled = history.view(tried);
      const underWay = new Set(pending.map((candidate) => space.key(candidate)));
      const found = maximise(
        space,
        (unit) => score(unit) + model.logFeasibility(unit),
        random.split("maximise"),
        {
          scattered: earlier ? 256 : 512,
          climbs: earlier ? 2 : 5,
          near: incumbents(seen),
          taken: (key) => settled.has(key) || underWay.has(key),
        },
      );
      if (!found) return history.unsettled.length > 0 ? "wait" : "done";
      return {
        operator: scalar ? "parego" : "acquisition",
        parents: [],
        candidate: found.candidate,
        note: {
          ...(Number.isFinite(found.score) ? { logAcquisition: found.score } : {}),
          ...(earlier
            ? { fittedTo: seen.trials.length, of: evidence.count, kernelsOfFirst: earlier.upTo }
            : {}),
        },
      };
    },
  };
}

/** Processes for losses and slacks, and fantasies of each at the observed and the pending points. */
class Model {
  readonly losses: readonly Fantasies[];
  readonly samples: number;
  /** Per sample, the baseline points whose fantasised slacks are all met. */
  readonly feasible: readonly (readonly number[])[];
  readonly #slackProcesses: readonly GaussianProcess[];

  constructor(
    seen: Observations,
    lossRows: readonly (readonly number[])[],
    kernels: Kernels,
    pending: readonly Float64Array[],
    noisy: boolean,
    samples: number,
    random: RandomStream,
  ) {
    const baseline = [...seen.points, ...pending];
    // Without noise and pending trials nothing at the baseline is uncertain: one sample is the posterior mean itself.
    this.samples = noisy || pending.length > 0 ? samples : 1;
    const fantasise = (process: GaussianProcess, name: string): Fantasies =>
      new Fantasies(
        process,
        baseline,
        this.samples === 1 ? [undefined] : normalRows(this.samples, baseline.length, random.split(name)),
      );
    const { points } = seen;
    this.losses = kernels.losses.map((kernel, k) =>
      fantasise(condition(points, column(lossRows, k), kernel), `loss ${k}`),
    );
    this.#slackProcesses = kernels.slacks.map((kernel, k) =>
      condition(points, column(seen.slacks, k), kernel),
    );
    const slacks = this.#slackProcesses.map((process, k) => fantasise(process, `slack ${k}`));
    this.feasible = Array.from({ length: this.samples }, (_, s) =>
      baseline.flatMap((_, i) => (slacks.every((slack) => slack.values[s]![i]! <= 0) ? [i] : [])),
    );
  }

  logFeasibility(unit: Float64Array): number {
    let sum = 0;
    for (const process of this.#slackProcesses) {
      const { mean, deviation } = predict(process, unit);
      sum += logProbabilityNegative(mean, deviation);
    }
    return sum;
  }
}

/** Log of the mean over samples of the expected improvement on the sample's best feasible value. */
function improvementScore(model: Model): (unit: Float64Array) => number {
  const loss = model.losses[0]!;
  const best = model.feasible.map((places, s) => {
    const values = loss.values[s]!;
    // Nothing feasible yet: anything improves on the worst, and the probability of feasibility decides.
    return places.length === 0 ? Math.max(...values) : Math.min(...places.map((i) => values[i]!));
  });
  const means = new Float64Array(model.samples);
  const logs = new Float64Array(model.samples);
  return (unit) => {
    const deviation = loss.at(unit, means);
    for (let s = 0; s < means.length; s++) logs[s] = logExpectedImprovement(means[s]!, deviation, best[s]!);
    return logMeanExp(logs);
  };
}

/** Log of the mean over samples of the expected hypervolume improvement on the sample's feasible front. */
function hypervolumeScore(model: Model, reference: readonly number[]): (unit: Float64Array) => number {
  const regions = model.feasible.map((places, s) => {
    const points = places.map((i) => model.losses.map((loss) => loss.values[s]![i]!));
    return new UndominatedRegion(
      paretoFront(points).map((i) => points[i]!),
      reference,
    );
  });
  const means = model.losses.map(() => new Float64Array(model.samples));
  return (unit) => {
    const deviations = model.losses.map((loss, k) => loss.at(unit, means[k]!));
    let total = 0;
    regions.forEach((region, s) => {
      total += region.expectedImprovement(
        means.map((mean) => mean[s]!),
        deviations,
      );
    });
    return Math.log(Math.max(0, total) / model.samples + Number.MIN_VALUE);
  };
}

/**
 * The goal's reference point, or where it gives none the worst value on the feasible front of each objective, moved
 * out by a tenth of the front's range.
 */
function referenceOf(goal: Goal, { losses, slacks }: Observations): readonly number[] {
  const given = referenceLosses(goal);
  if (given) return given;
  const feasible = losses.filter((_, i) => slacks[i]!.every((slack) => slack <= 0));
  const rows = feasible.length > 0 ? feasible : losses;
  const front = paretoFront(rows).map((i) => rows[i]!);
  const basis = front.length > 1 ? front : rows;
  return basis[0]!.map((_, k) => {
    const values = basis.map((row) => row[k]!);
    const worst = Math.max(...values);
    return worst + 0.1 * (worst - Math.min(...values) || 1);
  });
}

/** ParEGO's augmented Chebyshev scalarisation with random weights, of losses brought to [0, 1]. */
function scalarise({ losses }: Observations, random: RandomStream): number[][] {
  const m = losses[0]!.length;
  const raw = Array.from({ length: m }, () => random.exponential(1));
  const total = raw.reduce((sum, value) => sum + value, 0);
  const weights = raw.map((value) => value / total);
  const low = weights.map((_, k) => Math.min(...losses.map((row) => row[k]!)));
  const range = weights.map((_, k) => Math.max(...losses.map((row) => row[k]!)) - low[k]! || 1);
  return losses.map((row) => {
    const weighted = row.map((value, k) => (weights[k]! * (value - low[k]!)) / range[k]!);
    return [Math.max(...weighted) + 0.05 * weighted.reduce((sum, value) => sum + value, 0)];
  });
}

/** Settled candidates not to propose, by key: those that failed, and without noise all that were tried. */
function triedView(space: Space, noise: boolean): View<Set<string>, Point> {
  return {
    create: () => new Set(),
    told: (keys, { candidate, state }) => {
      if (candidate !== undefined && !(noise && state === "complete")) keys.add(space.key(candidate));
    },
  };
}

/** Candidates of the feasible front, at most ten. */
function incumbents({ trials, losses, slacks }: Observations): Point[] {
  const feasible = trials.flatMap((_, i) => (slacks[i]!.every((slack) => slack <= 0) ? [i] : []));
  const places = feasible.length > 0 ? feasible : trials.map((_, i) => i);
  const rows = places.map((i) => losses[i]!);
  const front =
    rows[0]!.length === 1 ? [...rows.keys()].sort((a, b) => rows[a]![0]! - rows[b]![0]!) : paretoFront(rows);
  return front.slice(0, 10).map((i) => trials[places[i]!]!.candidate!);
}

function column(rows: readonly (readonly number[])[], k: number): number[] {
  return rows.map((row) => row[k]!);
}

function logMeanExp(logs: Float64Array): number {
  let top = -Infinity;
  for (const value of logs) if (value > top) top = value;
  if (top === -Infinity) return -Infinity;
  let sum = 0;
  for (const value of logs) sum += Math.exp(value - top);
  return top + Math.log(sum / logs.length);
}
