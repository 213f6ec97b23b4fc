/** What a bill of materials may say, with units checked as it is read. */
import { z } from "zod";
import { YIELD_MODELS } from "./act.ts";
import type { AcceleratorCard, ServerParts } from "./boavizta.ts";
import { quantity } from "./ranges.ts";

const size = z.number().nonnegative();

const Modules = z.array(
  z.strictObject({
    count: z.number().int().positive().default(1),
    gigabytes: z.number().positive(),
    "gigabytes-per-cm2": z.number().positive(),
  }),
);
const modulesOf = (modules: z.output<typeof Modules>) =>
  modules.flatMap(({ count, gigabytes, "gigabytes-per-cm2": density }) =>
    Array.from({ length: count }, () => ({ gigabytes, gigabytesPerSquareCentimetre: density })),
  );

/** A server by Boavizta's formulas. */
const Server = z
  .strictObject({
    processors: z.number().int().nonnegative(),
    /** Of one processor. */
    "die-mm2": size,
    memory: Modules.default([]),
    "solid-state-disks": Modules.default([]),
    "hard-disks": z.number().int().nonnegative().default(0),
    "power-supplies-kg": size,
    enclosure: z.enum(["rack", "blade"]).default("rack"),
  })
  .transform(
    (server): ServerParts => ({
      processors: { count: server.processors, dieAreaSquareMillimetres: server["die-mm2"] },
      memory: modulesOf(server.memory),
      solidStateDisks: modulesOf(server["solid-state-disks"]),
      hardDisks: server["hard-disks"],
      powerSuppliesKilograms: server["power-supplies-kg"],
      enclosure: server.enclosure,
    }),
  );

/** An accelerator card by Boavizta's formulas: masses in kg, board in cm2, die in mm2; what is left out is the H100's. */
const Card = z
  .strictObject({
    mass: size.optional(),
    heatsink: size.optional(),
    casing: size.optional(),
    board: size.optional(),
    die: z.number().positive().optional(),
    memory: z.number().positive().optional(),
    "memory-dies": z.number().int().positive().optional(),
  })
  .transform(({ memory, "memory-dies": memoryDies, ...card }): Partial<AcceleratorCard> => {
    const all = { ...card, memoryGigabytes: memory, memoryDies };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  });

/** How a die is made; of the whole bill, and of a part. */
const Fab = {
  /** Grid of the fab: a zone, a country, an energy source, or an intensity. */
  grid: z.union([z.string(), z.number()]).optional(),
  /** Share of the process gases that is abated. */
  abatement: z.number().min(0.95).max(0.99).optional(),
  /** Share of the dies that work, or the model that says it from `area` and `defects`. */
  yield: z
    .union([z.number().positive().max(1), z.enum(YIELD_MODELS)], {
      error: `a share above 0 and at most 1, or one of ${YIELD_MODELS.join(", ")}`,
    })
    .optional(),
  /** Defects by area, for a yield model. */
  defects: quantity("1/cm2").optional(),
};

const KINDS = [
  "logic",
  "dram",
  "ssd",
  "hdd",
  "material",
  "device",
  "accelerator",
  "server",
  "card",
  "carbon",
] as const;

const Part = z
  .strictObject({
    name: z.string(),
    count: z.number().int().positive().default(1),
    /** Process node, with `area` of one die. */
    logic: z.string().optional(),
    area: quantity("mm2").optional(),
    dram: z.string().optional(),
    ssd: z.string().optional(),
    hdd: z.string().optional(),
    capacity: quantity("GB").optional(),
    /** Packaged circuits of one part. */
    packages: z.number().int().nonnegative().default(0),
    material: z.enum(["steel", "aluminium"]).optional(),
    kilograms: z.number().positive().optional(),
    /** A device with a published footprint: `hgx-h100`. */
    device: z.string().optional(),
    /** A kind of accelerator, with the range of its published footprints. */
    accelerator: z.string().optional(),
    server: Server.optional(),
    card: Card.optional(),
    carbon: quantity("kgCO2e").optional(),
    source: z.string().optional(),
    ...Fab,
  })
  .superRefine((part, context) => {
    const given = KINDS.filter((key) => part[key] !== undefined);
    const needs = (key: "area" | "capacity" | "kilograms") => {
      if (part[key] === undefined) {
        context.addIssue({ code: "custom", path: [key], message: `${key}, which ${given[0]} needs` });
      }
    };
    if (typeof part.yield === "string" && part.logic === undefined) {
      const message = "a share: the areas of dies, which a yield model needs, are known of logic only";
      context.addIssue({ code: "custom", path: ["yield"], message });
    }
    if (given.length !== 1) {
      context.addIssue({ code: "custom", message: `exactly one of ${KINDS.join(", ")}` });
    } else if (part.logic !== undefined) needs("area");
    else if (part.material !== undefined) needs("kilograms");
    else if (part.dram !== undefined || part.ssd !== undefined || part.hdd !== undefined) needs("capacity");
  });
export type Part = z.output<typeof Part>;

export const BillFile = z.strictObject({
  name: z.string(),
  fab: z.strictObject(Fab).optional(),
  parts: z.array(Part).min(1),
});
