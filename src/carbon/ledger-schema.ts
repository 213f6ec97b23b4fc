/** What a ledger file may say, with units checked as it is read. */
import { z } from "zod";
import { parseRange, QuantityError } from "../core/index.ts";
import { PHASES } from "./ledger.ts";
import { FACILITIES } from "./operational.ts";
import { FLEET_PHASES } from "./records.ts";

/** A written quantity: `low` equals `high` where it is one number. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** `12 kWh`, `150..575 kg`, or a bare number in `symbol`'s unit; never negative. */
export function quantity(symbol: string) {
  return z
    .union([z.string(), z.number()], { error: `a quantity in ${symbol}, such as "12 ${symbol}"` })
    .transform((text, context): Range => {
      try {
        const range = parseRange(withUnitOnBothEnds(String(text)), symbol);
        if (range.low >= 0) return range;
        context.addIssue({ code: "custom", message: `a quantity of 0 or more, in ${symbol}` });
      } catch (error) {
        if (!(error instanceof QuantityError)) throw error;
        context.addIssue({ code: "custom", message: `a quantity in ${symbol} (${error.message})` });
      }
      return z.NEVER;
    });
}

/** In `150..575 kg` the unit stands for both ends. */
function withUnitOnBothEnds(text: string): string {
  const match =
    /^\s*(\d[\d.,_]*?(?:e[+-]?\d+)?)\s*\.\.\s*\d[\d.,_]*(?:e[+-]?\d+)?\s*(?!e[+-]?\d)([a-z$].*)$/i.exec(text);
  return match ? text.replace(match[1]!, `${match[1]} ${match[2]}`) : text;
}

const share = z.number().positive().max(1);
const gridText = z.union([z.string(), z.number()]);

export const AcceleratorUse = z.strictObject({
  count: quantity("accelerator"),
  /** Wall-clock time; count x time is accelerator-hours. */
  time: quantity("h"),
  power: quantity("W"),
  kind: z.string().optional(),
  /** Power of the server over that of its accelerators. */
  "host-factor": quantity("1").optional(),
  /** Of one accelerator with its share of the host. */
  embodied: quantity("kgCO2e").optional(),
  lifetime: quantity("year").optional(),
  utilisation: quantity("1").optional(),
});

const BuildingUse = z.strictObject({
  carbon: quantity("tCO2e"),
  capacity: quantity("MW"),
  lifetime: quantity("year").optional(),
});

export const LogUse = z.strictObject({
  file: z.string(),
  "time-zone": z.string().optional(),
  /** What the meter does not see over what it sees, without PUE; 1 for a meter at the plug. */
  "host-factor": quantity("1").optional(),
  series: z
    .strictObject({
      file: z.string(),
      zone: z.string().optional(),
      unit: z.string().optional(),
      signal: z.enum(["average", "marginal"]).optional(),
      boundary: z.enum(["life-cycle", "direct"]).optional(),
      start: z.string().optional(),
    })
    .optional(),
});

const SOURCES = ["energy", "accelerators", "log", "codecarbon", "manifest", "carbon", "like"] as const;

export const Entry = z
  .strictObject({
    phase: z.enum(PHASES),
    name: z.string().optional(),
    /** Drawn by the facility, or by the computers if `metered-at` says so. */
    energy: quantity("kWh").optional(),
    "metered-at": z.enum(["facility", "computers"]).default("facility"),
    accelerators: AcceleratorUse.optional(),
    log: LogUse.optional(),
    codecarbon: z.string().optional(),
    manifest: z.string().optional(),
    /** Operational carbon that someone else has worked out. */
    carbon: quantity("kgCO2e").optional(),
    /** This phase as a multiple of another: of what a fleet spends, unless `times` says how much. */
    like: z.strictObject({ phase: z.enum(FLEET_PHASES), times: quantity("1").optional() }).optional(),
    embodied: quantity("kgCO2e").optional(),
    building: BuildingUse.optional(),
    /** Data moved over networks for this entry. */
    transferred: quantity("GB").optional(),
    grid: gridText.optional(),
    market: gridText.optional(),
    facility: z.enum(FACILITIES).optional(),
    pue: quantity("1").optional(),
    share: share.default(1),
    /** How the numbers of this entry are known; a range is assumed and a number given, unless said otherwise. */
    basis: z.enum(["measured", "published", "assumed"]).optional(),
    source: z.string().optional(),
  })
  .superRefine((entry, context) => {
    const given = SOURCES.filter((key) => entry[key] !== undefined);
    const alone = given.length === 0 && (entry.embodied !== undefined || entry.transferred !== undefined);
    if (given.length === 1 || alone) return;
    context.addIssue({
      code: "custom",
      message: `exactly one of ${SOURCES.join(", ")}, or only embodied or transferred; there are ${given.length === 0 ? "none" : given.join(" and ")}`,
    });
  });
export type Entry = z.output<typeof Entry>;

export const LedgerFile = z.strictObject({
  name: z.string(),
  grid: gridText.optional(),
  market: gridText.optional(),
  facility: z.enum(FACILITIES).optional(),
  pue: quantity("1").optional(),
  "functional-unit": z.strictObject({ name: z.string(), count: quantity("1") }).optional(),
  entries: z.array(Entry).min(1),
});
export type LedgerFile = z.output<typeof LedgerFile>;
