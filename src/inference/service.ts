/**
 * A service: requests a day with a prompt, an answer and bounds on latency; how many accelerators it takes and what a
 * token costs in energy.
 *
 * One replica batches continuously. With b sequences in decoding, a request occupies it for
 *
 *     p + o t(b) / b        p prefill seconds, o output tokens, t(b) step seconds at the middle of the answer,
 *
 * so it serves at most the inverse of that. Prefills go first and interrupt decoding; they queue as M/D/1
 * (Pollaczek-Khinchine: W = r p / (2 (1 - r)), r = rate x p), hence mean time to first token p + t(b) + W and mean time
 * per output token t(b) + b p / o when the replica is full.
 */
import { type Dimensionless, Estimate, InputError, Sampler } from "../core/index.ts";
import { averagePower, programEfficiency } from "../hardware/index.ts";
import { Deployment, type DeploymentOptions } from "./deployment.ts";

export interface Service {
  readonly requestsPerDay: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Bound on the mean time to first token at the peak. */
  readonly firstTokenSeconds: number;
  /** Bound on the mean time per output token. Default: none. */
  readonly tokenSeconds?: number;
  /** Busiest hour over the mean of the day. Default: `data/efficiencies.csv`, service. */
  readonly peakToMean?: Estimate<Dimensionless>;
}

export interface ServicePlan {
  readonly deployment: Deployment;
  /** Sequences in decoding on a full replica. */
  readonly batch: number;
  readonly replicas: Estimate<Dimensionless>;
  readonly accelerators: Estimate<{ accelerators: 1 }>;
  /** Means at the peak. */
  readonly timeToFirstToken: Estimate<{ time: 1 }>;
  readonly timePerOutputToken: Estimate<{ time: 1 }>;
  /** Mean load over capacity. */
  readonly utilisation: Estimate<Dimensionless>;
  /** Of all accelerators, idle hours included, over the output tokens. */
  readonly energyPerToken: Estimate<{ energy: 1; tokens: -1 }>;
}

const SECONDS_A_DAY = 86_400;

/** How replicas are laid out. */
export interface ServiceLayout {
  readonly tensorParallel: number;
  /** Sequences in decoding on a full replica. */
  readonly batch: number;
}

/**
 * The layout with the fewest accelerators, all inputs at their medians, over degrees of tensor parallelism (unless
 * `options` fixes it) and batch sizes by powers of two.
 * @throws InputError where no layout meets the bounds.
 */
export function serviceLayout(options: DeploymentOptions, service: Service): ServiceLayout {
  requirePositive(service);
  const { promptTokens, outputTokens } = service;
  const medians = new Sampler(0, () => 0.5);
  const peakToMean = peakOf(medians, service).value();
  const meanRate = service.requestsPerDay / SECONDS_A_DAY;

  let best: (ServiceLayout & { accelerators: number }) | undefined;
  let fastest = Number.POSITIVE_INFINITY;
  for (const deployment of deployments(medians, options)) {
    const { tensorParallel } = deployment;
    const p = deployment.prefillTime(1, promptTokens).value("s");
    const most = deployment.largestBatch(promptTokens + outputTokens);
    for (let batch = 1; batch <= most; batch *= 2) {
      const t = deployment.stepTime(batch, middleOf(service)).value("s");
      fastest = Math.min(fastest, p + t);
      const rate = Math.min(admissibleRate(p, t, service), fullRate(p, t, batch, service));
      const replicas = Math.ceil((meanRate * peakToMean) / rate);
      if (!(rate > 0) || tokenSeconds(p, t, batch, service) > (service.tokenSeconds ?? Infinity)) break;
      const accelerators = replicas * tensorParallel;
      if (!best || accelerators < best.accelerators) best = { tensorParallel, batch, accelerators };
    }
  }
  if (!best) {
    throw new InputError({
      place: { path: "firstTokenSeconds" },
      found: `${service.firstTokenSeconds} s to the first token${service.tokenSeconds === undefined ? "" : ` and ${service.tokenSeconds} s a token`}`,
      expected: Number.isFinite(fastest)
        ? `bounds that the fastest layout can meet; its first token takes ${fastest.toPrecision(3)} s`
        : `a context of ${promptTokens + outputTokens} tokens whose cache fits beside the weights`,
      remedy: "relax the bounds, shorten the prompt, or use faster accelerators or a smaller model",
    });
  }
  const { tensorParallel, batch } = best;
  return { tensorParallel, batch };
}

/**
 * What the service takes in the given layout, by default the one with the fewest accelerators.
 * @throws InputError where no layout meets the bounds.
 */
export function planService(
  sampler: Sampler,
  options: DeploymentOptions,
  service: Service,
  { tensorParallel, batch }: ServiceLayout = serviceLayout(options, service),
): ServicePlan {
  requirePositive(service);
  const deployment = new Deployment(sampler, { ...options, tensorParallel });
  const candidate = {
    deployment,
    batch,
    prefill: deployment.prefillTime(1, service.promptTokens),
    step: deployment.stepTime(batch, middleOf(service)),
  };
  return evaluate(sampler, candidate, service, peakOf(sampler, service));
}

function peakOf(sampler: Sampler, { peakToMean }: Service): Estimate<Dimensionless> {
  return peakToMean ?? programEfficiency(sampler, "service", "peak to mean", "1");
}

/** Tokens in the cache of a sequence at the middle of its answer. */
function middleOf({ promptTokens, outputTokens }: Service): number {
  return promptTokens + Math.floor(outputTokens / 2);
}

interface Candidate {
  readonly deployment: Deployment;
  readonly batch: number;
  readonly prefill: Estimate<{ time: 1 }>;
  readonly step: Estimate<{ time: 1 }>;
}

function deployments(sampler: Sampler, options: DeploymentOptions): Deployment[] {
  const least = new Deployment(sampler, options);
  if (options.tensorParallel !== undefined) return [least];
  const list = [least];
  const most = options.accelerator.acceleratorsPerNode;
  for (let ways = 2 * least.tensorParallel; ways <= most; ways *= 2) {
    list.push(new Deployment(sampler, { ...options, tensorParallel: ways }));
  }
  return list;
}

/** Requests a second at which prefills still meet the bound on the first token; 0 where they never do. */
function admissibleRate(prefill: number, step: number, { firstTokenSeconds }: Service): number {
  const wait = firstTokenSeconds - prefill - step;
  return wait <= 0 ? 0 : (2 * wait) / (prefill + 2 * wait) / prefill;
}

/** Requests a second of a full replica. */
function fullRate(prefill: number, step: number, batch: number, { outputTokens }: Service): number {
  return 1 / (prefill + (outputTokens * step) / batch);
}

function tokenSeconds(prefill: number, step: number, batch: number, { outputTokens }: Service): number {
  return step + (batch * prefill) / outputTokens;
}

function evaluate(
  sampler: Sampler,
  { deployment, batch, prefill, step }: Candidate,
  service: Service,
  peakToMean: Estimate<Dimensionless>,
): ServicePlan {
  const meanRate = service.requestsPerDay / SECONDS_A_DAY;
  // A draw in which a replica cannot meet the bound at any rate counts as one that admits a request at a time.
  const capacity = Estimate.combine([prefill, step], "1", (p, t) =>
    Math.min(
      admissibleRate(p, t, service) || 1 / (p + service.outputTokens * t),
      fullRate(p, t, batch, service),
    ),
  );
  const replicas = Estimate.combine([capacity, peakToMean], "1", (rate, peak) =>
    Math.ceil((meanRate * peak) / rate),
  );
  const accelerators = replicas.times(Estimate.exact(deployment.tensorParallel, "accelerator"));
  const utilisation = Estimate.combine(
    [replicas, prefill, step],
    "1",
    (n, p, t) => meanRate / (n * fullRate(p, t, batch, service)),
  );
  const power = averagePower(sampler, deployment.accelerator, "decoding", utilisation);
  const tokensPerSecond = Estimate.exact(meanRate * service.outputTokens, "token/s");
  return {
    deployment,
    batch,
    replicas,
    accelerators,
    timeToFirstToken: Estimate.combine([prefill, step, replicas, peakToMean], "s", (p, t, n, peak) => {
      const load = Math.min(0.999, (p * meanRate * peak) / n);
      return p + t + (load * p) / (2 * (1 - load));
    }),
    timePerOutputToken: Estimate.combine([prefill, step], "s", (p, t) => tokenSeconds(p, t, batch, service)),
    utilisation,
    energyPerToken: power.times(accelerators).over(tokensPerSecond),
  };
}

function requirePositive(service: Service): void {
  for (const key of ["requestsPerDay", "promptTokens", "outputTokens", "firstTokenSeconds"] as const) {
    if (!(service[key] > 0 && Number.isFinite(service[key]))) {
      throw new InputError({
        place: { path: key },
        found: String(service[key]),
        expected: "a number above 0",
      });
    }
  }
}
