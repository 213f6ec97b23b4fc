/** The briefs under `examples/`, and their plans, each made once for all tests of a worker. */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { makePlan, type Plan, readBrief } from "../src/plan/index.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** Paths from the root of the repository. */
export const examples: readonly string[] = readdirSync(`${root}examples`, {
  recursive: true,
  encoding: "utf8",
})
  .filter((path) => path.endsWith("brief.yaml"))
  .map((path) => `examples/${path}`)
  .sort();

const plans = new Map<string, Promise<Plan>>();

export function examplePlan(file: string): Promise<Plan> {
  let plan = plans.get(file);
  if (!plan) {
    plan = makePlan(readBrief(`${root}${file}`), { seed: 1, version: "test" });
    plans.set(file, plan);
  }
  return plan;
}
