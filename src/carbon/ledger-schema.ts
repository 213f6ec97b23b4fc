/** What a ledger file may say, with units checked as it is read. */
import { z } from "zod";
import { PHASES } from "./ledger.ts";
import { FACILITIES } from "./operational.ts";
import { overhead, positive, quantity, share } from "./ranges.ts";
import { FLEET_PHASES } from "./records.ts";

const gridText = z.union([z.string(), z.number()]);
/** Of an intensity that is written down; those of places are averages. */
const signal = z.enum(["average", "marginal"]);

/** One for the year, or twelve from January to December (UTC): cooling takes more in summer. */
const pue = z.union([overhead(), z.array(z.number().min(1)).length(12)], {
  error: "a number, 1 or more, or twelve of them, one a month",
});

export const AcceleratorUse = z.strictObject({
  count: quantity("accelerator"),
  /** Wall-clock time; count x time is accelerator-hours. */
  time: quantity("h"),
  /** Mean draw of one; that of `kind` at this work where left out. */
  power: quantity("W").optional(),
  /** Without a power: the share of the time in which kernels run. */
  load: share().optional(),
  kind: z.string().optional(),
  /** Power of the server over that of its accelerators. */
  "host-factor": overhead().optional(),
  /** Of one accelerator with its share of the host. */
  embodied: quantity("kgCO2e").optional(),
  lifetime: positive("year").optional(),
  utilisation: share().optional(),
});

const BuildingUse = z.strictObject({
  carbon: quantity("tCO2e"),
  capacity: positive("MW"),
  lifetime: positive("year").optional(),
});

export const LogUse = z.strictObject({
  file: z.string(),
  "time-zone": z.string().optional(),
  /** What the meter does not see over what it sees, without PUE; 1 for a meter at the plug. */
  "host-factor": overhead().optional(),
  series: z
    .strictObject({
      file: z.string(),
      zone: z.string().optional(),
      unit: z.string().optional(),
      signal: signal.optional(),
      boundary: z.enum(["life-cycle", "direct"]).optional(),
      start: z.string().optional(),
      "time-zone": z.string().optional(),
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
    signal: signal.optional(),
    market: gridText.optional(),
    facility: z.enum(FACILITIES).optional(),
    pue: pue.optional(),
    share: z.number().positive().max(1).default(1),
    /** How the numbers of this entry are known; a range is assumed and a number given, unless said otherwise. */
    basis: z.enum(["measured", "published", "assumed"]).optional(),
    source: z.string().optional(),
    /** Year or moment that the numbers of this entry speak of. */
    vintage: z.union([z.string(), z.number().transform(String)]).optional(),
  })
  .superRefine((entry, context) => {
    const { power, load, kind } = entry.accelerators ?? {};
    if (entry.accelerators && power === undefined && kind === undefined) {
      const message = "the power of an accelerator, or a kind whose power is known, such as h100-sxm";
      context.addIssue({ code: "custom", path: ["accelerators", "power"], message });
    }
    if (power !== undefined && load !== undefined) {
      const message = "a load only without a power: a mean power has its load in it";
      context.addIssue({ code: "custom", path: ["accelerators", "load"], message });
    }
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
  signal: signal.optional(),
  market: gridText.optional(),
  facility: z.enum(FACILITIES).optional(),
  pue: pue.optional(),
  /** From the start of the work to its end: what carbon is multiplied by for the carbon-delay product. */
  delay: quantity("h").optional(),
  "functional-unit": z.strictObject({ name: z.string(), count: positive("1") }).optional(),
  entries: z.array(Entry).min(1),
});
export type LedgerFile = z.output<typeof LedgerFile>;
