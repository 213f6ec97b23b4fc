import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, it } from "vitest";
import { type ConformanceCandidate, conformanceEvaluator, runnerConformance } from "./conformance.ts";
import { InProcessRunner } from "./in-process.ts";
import { ProcessRunner } from "./process.ts";
import type { Runner } from "./runner.ts";

const clock = () => performance.now();
const folder = mkdtempSync(join(tmpdir(), "terrarium-runners-"));
afterAll(() => rmSync(folder, { recursive: true }));

const kinds: { name: string; isolated: boolean; make: () => Runner<ConformanceCandidate> }[] = [
  {
    name: "in-process runner",
    isolated: false,
    make: () => new InProcessRunner(conformanceEvaluator, { clock, workers: 3 }),
  },
  {
    name: "process runner",
    isolated: true,
    make: () =>
      new ProcessRunner(
        { file: fileURLToPath(new URL("./conformance.ts", import.meta.url)), name: "conformanceEvaluator" },
        { clock, workers: 2 },
      ),
  },
];

for (const { name, isolated, make } of kinds)
  describe(name, () => {
    for (const { name: behaviour, check } of runnerConformance({ isolated }))
      it(behaviour, async () => {
        const runner = make();
        try {
          await check(runner, join(folder, behaviour.replaceAll(/\W+/g, "-")));
        } finally {
          await runner.close();
        }
      });
  });
