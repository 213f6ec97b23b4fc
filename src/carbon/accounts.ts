/**
 * The questions that are asked without a ledger file: what does a training run, or a served token, cost in carbon? Each
 * answer is a ledger of its own, so that it is summed, reported and disclosed like any other.
 */
import { z } from "zod";
import { type AnyEstimate, Estimate, exactly, type Sampler } from "../core/index.ts";
import { checked, FLAGS, flagPlace } from "./flags.ts";
import { type Ledger, ledgerTotals } from "./ledger.ts";
import { type LedgerModel, modelOf } from "./ledger-file.ts";
import { LedgerFile } from "./ledger-schema.ts";
import {
  carbonDelayProduct,
  carbonEnergyProduct,
  carbonEnergySquaredProduct,
  carbonSquaredEnergyProduct,
} from "./metrics.ts";
import { FACILITIES } from "./operational.ts";
import type { Carbon, Energy, Ratio } from "./quantities.ts";
import { draw, overhead, positive, quantity, type Range, share } from "./ranges.ts";
import { figures } from "./tables.ts";
import { computeTime } from "./training.ts";

/** What training and serving share; each may be a number, or a quantity or range as text. */
const Site = {
  power: quantity("W").optional(),
  kind: z.string().optional(),
  load: share().optional(),
  grid: z.union([z.string(), z.number()]).optional(),
  market: z.union([z.string(), z.number()]).optional(),
  facility: z.enum(FACILITIES).optional(),
  pue: overhead().optional(),
  "host-factor": overhead().optional(),
  embodied: quantity("kgCO2e").optional(),
  lifetime: positive("year").optional(),
  utilisation: share().optional(),
};

const TrainingOptions = z
  .strictObject({
    ...Site,
    accelerators: positive("accelerator"),
    time: quantity("h").optional(),
    /** Instead of a time: C = 6 N D at a share of the peak. */
    parameters: quantity("1").optional(),
    tokens: quantity("token").optional(),
    peak: positive("TFLOP/s").optional(),
    efficiency: share().optional(),
  })
  .superRefine((options, context) => {
    const work = [options.parameters, options.tokens, options.peak, options.efficiency];
    const given = work.filter((part) => part !== undefined).length;
    if (options.time ? given === 0 : given === work.length) return;
    context.addIssue({
      code: "custom",
      path: ["time"],
      message: "either the time, or parameters, tokens, peak and efficiency to work it out",
    });
  });
export type TrainingOptions = z.input<typeof TrainingOptions>;

const ServingOptions = z
  .strictObject({
    ...Site,
    /** Tokens a second of one accelerator. */
    throughput: positive("token/s"),
    /** Tokens of one request, prompt and answer, as `throughput` counts them. */
    "tokens-per-request": quantity("token").optional(),
    /** Of the whole service. */
    "requests-per-day": quantity("1").optional(),
  })
  .refine(
    (options) => options["requests-per-day"] === undefined || options["tokens-per-request"] !== undefined,
    {
      path: ["tokens-per-request"],
      message: "the tokens of a request, without which requests have no carbon",
    },
  );
export type ServingOptions = z.input<typeof ServingOptions>;

/** One training run, as a ledger. Throws an `InputError` that names the flag at fault. */
export async function trainingModel(input: TrainingOptions): Promise<LedgerModel> {
  const options = checked(TrainingOptions, input);
  const accelerators = {
    ...use(options),
    count: both(options.accelerators),
    time: both(timeOf(options)),
  };
  return fromFlags("training run", { phase: "training", name: "training run", accelerators }, options);
}

export interface ServingAccount {
  /** One accelerator for an hour; the functional unit is 1000 tokens. */
  readonly ledger: Ledger;
  readonly perRequest: { readonly carbon: Carbon; readonly energy: Energy } | undefined;
  readonly perYear: Carbon | undefined;
}

/** The carbon of serving, a thousand tokens, a request and a year. Throws an `InputError` that names the flag at fault. */
export async function servingModel(input: ServingOptions): Promise<(sampler: Sampler) => ServingAccount> {
  const options = checked(ServingOptions, input);
  const accelerators = { ...use(options), count: 1, time: 1 };
  const entry = { phase: "inference", name: "one accelerator for an hour", accelerators };
  const model = await fromFlags("serving", entry, options);
  const [request, daily] = [options["tokens-per-request"], options["requests-per-day"]];
  return (sampler) => {
    const flag = <S extends string>(name: string, range: Range, symbol: S) =>
      draw(sampler, `flags/${name}`, range, symbol, undefined, FLAGS);
    const perHour = flag("throughput", options.throughput, "token/s").times(Estimate.exact(1, "h"));
    const unit = Estimate.exact(1000, "token");
    const ledger = { ...model(sampler), functionalUnit: { name: "1000 tokens", count: perHour.over(unit) } };
    if (request === undefined) return { ledger, perRequest: undefined, perYear: undefined };
    const share = flag("tokens-per-request", request, "token").over(perHour);
    const { total, energy } = ledgerTotals(ledger);
    const perRequest = { carbon: total.times(share), energy: energy.times(share) };
    return {
      ledger,
      perRequest,
      perYear: daily && perRequest.carbon.times(flag("requests-per-day", daily, "1")).times(365),
    };
  };
}

export interface PublishedRun {
  readonly name: string;
  readonly carbon: Carbon;
  readonly energy: Energy;
}

/** The published training run whose energy is nearest, by ratio: to hold an account against. */
export function nearestRun(energy: Energy): PublishedRun {
  const distance = (run: PublishedRun) => Math.abs(Math.log(run.energy.value("kWh") / energy.value("kWh")));
  return publishedRuns().sort((a, b) => distance(a) - distance(b))[0]!;
}

/** Published training runs, recomputed by the same formulas. */
export function publishedRuns(): PublishedRun[] {
  const table = figures("training-runs");
  return table.subjects.map((name) => {
    const exact = <S extends string>(figure: string, symbol: S) => {
      const { value, evidence } = table.get(name, figure);
      return Estimate.exact(value, symbol, evidence);
    };
    const drawn = exact("accelerator-hours", "h").times(exact("power", "W"));
    const energy: Energy = drawn.times(exact("pue", "1"));
    return { name, energy, carbon: energy.times(exact("intensity", "gCO2e/kWh")) };
  });
}

export interface Comparison {
  readonly name: string;
  readonly total: Carbon;
  /** Over the first one; undefined where that emits nothing. */
  readonly ratio: Ratio | undefined;
  /** Share of draws in which it emits less than the first one: shared inputs move together. */
  readonly lower: number;
  /** Figures of merit over the first one's; CDP only where both say their delay. */
  readonly merits: Readonly<Record<"CDP" | "CEP" | "C2EP" | "CE2P", Ratio | undefined>>;
}

/** Ledgers side by side; they must come of one sampler, so that what they share cancels out. */
export function compareLedgers(ledgers: readonly [Ledger, ...Ledger[]]): Comparison[] {
  const accounts = ledgers.map((ledger) => ({ ...ledgerTotals(ledger), ...ledger }));
  const [first] = accounts as [(typeof accounts)[number]];
  const over = (one: AnyEstimate, other: AnyEstimate): Ratio | undefined =>
    other.value() > 0 ? one.over(other) : undefined;
  return accounts.map(({ name, total, energy, delay }) => ({
    name,
    total,
    ratio: over(total, first.total),
    lower: first.total.minus(total).probability((saved) => saved > 0),
    merits: {
      CDP:
        delay &&
        first.delay &&
        over(carbonDelayProduct(total, delay), carbonDelayProduct(first.total, first.delay)),
      CEP: over(carbonEnergyProduct(total, energy), carbonEnergyProduct(first.total, first.energy)),
      C2EP: over(
        carbonSquaredEnergyProduct(total, energy),
        carbonSquaredEnergyProduct(first.total, first.energy),
      ),
      CE2P: over(
        carbonEnergySquaredProduct(total, energy),
        carbonEnergySquaredProduct(first.total, first.energy),
      ),
    },
  }));
}

type SiteOptions = Omit<z.output<typeof ServingOptions>, "throughput">;

function use(options: Pick<SiteOptions, keyof typeof Site>) {
  const entries = (["power", "load", "host-factor", "embodied", "lifetime", "utilisation"] as const).flatMap(
    (key) => {
      const range = options[key];
      return range === undefined ? [] : [[key, both(range)] as const];
    },
  );
  return { ...Object.fromEntries(entries), ...(options.kind === undefined ? {} : { kind: options.kind }) };
}

function fromFlags(
  name: string,
  entry: object,
  { grid, market, facility, pue }: Pick<SiteOptions, "grid" | "market" | "facility" | "pue">,
): Promise<LedgerModel> {
  const ledger = checked(LedgerFile, {
    name,
    grid,
    market,
    facility,
    pue: pue && both(pue),
    entries: [entry],
  } as z.input<typeof LedgerFile>);
  return modelOf(ledger, FLAGS, flagPlace);
}

type Ends = Pick<Range, "low" | "high">;

/** A range back as text, for the one schema that all ledgers go through. */
function both({ low, high }: Ends): string {
  return low === high ? String(low) : `${low}..${high}`;
}

function timeOf(options: z.output<typeof TrainingOptions>): Ends {
  const { time, parameters, tokens, peak, efficiency, accelerators } = options;
  if (time) return time;
  const hours = (work: number, count: number, flops: number, share: number) =>
    computeTime(
      Estimate.exact(6 * work, "FLOP"),
      Estimate.exact(count, "accelerator"),
      Estimate.exact(flops, "TFLOP/s/accelerator"),
      exactly(share),
    ).value("h");
  return {
    low: hours(parameters!.low * tokens!.low, accelerators.low, peak!.high, efficiency!.high),
    high: hours(parameters!.high * tokens!.high, accelerators.high, peak!.low, efficiency!.low),
  };
}
