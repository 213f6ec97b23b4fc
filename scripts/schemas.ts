/** Writes `schemas/`: what editors complete a brief from, and what other programs check a plan against. */
import { mkdirSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { partSchema } from "../src/hardware/index.ts";
import { briefSchema, planSchema } from "../src/plan/index.ts";

const folder = new URL("../schemas/", import.meta.url);

/** The JSON Schemas by file name. */
export function schemaFiles(): Record<string, string> {
  const text = (schema: z.ZodType, io: "input" | "output") =>
    `${JSON.stringify(z.toJSONSchema(schema, { io }), null, 2)}\n`;
  return {
    "accelerator.schema.json": text(partSchema, "input"),
    "brief.schema.json": text(briefSchema, "input"),
    "plan.schema.json": text(planSchema, "output"),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(schemaFiles())) writeFileSync(new URL(name, folder), text);
}
