/**
 * What every runner must do, as cases that any test framework can run: for each case, make a runner, call `check`, and
 * expect no error. `conformanceEvaluator` is the evaluator that the runner under test must run.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Evaluated, EvaluatorContext, Runner } from "./runner.ts";

/** What the evaluator is told to do. */
export interface ConformanceCandidate {
  readonly act: "square" | "throw" | "nan" | "hang" | "exit" | "fork-and-hang" | "seed";
  readonly x?: number;
  /** A file that a started grandchild leaves its process id in. */
  readonly pidFile?: string;
}

export async function conformanceEvaluator(
  candidate: ConformanceCandidate,
  { seed, signal }: EvaluatorContext,
): Promise<Evaluated> {
  switch (candidate.act) {
    case "square":
      return { metrics: { y: candidate.x! ** 2 }, spent: { tokens: 7 }, detail: { note: "squared" } };
    case "seed":
      return { y: seed };
    case "throw":
      throw new Error("as told");
    case "nan":
      return { y: Number.NaN };
    case "exit":
      process.exit(3);
      break;
    case "fork-and-hang":
      // A grandchild that leaves the process group: only a runner that looks for it will end it.
      spawn("/bin/sh", ["-c", `echo $$ > '${candidate.pidFile}'; sleep 600`], {
        detached: true,
        stdio: "ignore",
      }).unref();
      break;
    case "hang":
      break;
  }
  return new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error("nobody ended the evaluation")), 600_000);
    signal.addEventListener("abort", () => clearTimeout(timer));
  });
}

export interface ConformanceCase {
  readonly name: string;
  check(runner: Runner<ConformanceCandidate>, temporaryFile: string): Promise<void>;
}

/**
 * The cases. `isolated` adds those that only a runner with processes of its own can pass: a candidate that ends its
 * process, and one that leaves processes behind.
 */
export function runnerConformance({ isolated }: { isolated: boolean }): ConformanceCase[] {
  const signal = () => new AbortController().signal;
  const cases: ConformanceCase[] = [
    {
      name: "returns metrics, detail and what was spent",
      async check(runner) {
        const outcome = await runner.evaluate(
          { trial: 0, candidate: { act: "square", x: 3 }, seed: 1 },
          signal(),
        );
        assert.deepEqual(outcome.metrics, { y: 9 });
        assert.deepEqual(outcome.detail, { note: "squared" });
        assert.equal(outcome.spent?.tokens, 7);
        assert.ok(outcome.spent.seconds! >= 0);
      },
    },
    {
      name: "hands the trial's seed on",
      async check(runner) {
        const outcome = await runner.evaluate({ trial: 1, candidate: { act: "seed" }, seed: 42 }, signal());
        assert.deepEqual(outcome.metrics, { y: 42 });
      },
    },
    {
      name: "turns an evaluator's error into a failure that says why",
      async check(runner) {
        const outcome = await runner.evaluate({ trial: 2, candidate: { act: "throw" }, seed: 1 }, signal());
        assert.equal(outcome.metrics, undefined);
        assert.match(outcome.failure!, /as told/);
      },
    },
    {
      name: "hands a NaN on as something that is not a finite number",
      async check(runner) {
        const outcome = await runner.evaluate({ trial: 3, candidate: { act: "nan" }, seed: 1 }, signal());
        assert.ok(outcome.failure !== undefined || !Number.isFinite(outcome.metrics!.y));
      },
    },
    {
      name: "ends an evaluation at its limit",
      async check(runner) {
        const candidate = { act: "hang" } as const;
        const outcome = await runner.evaluate({ trial: 4, candidate, seed: 1, limitSeconds: 1 }, signal());
        assert.match(outcome.failure!, /limit/);
      },
    },
    {
      name: "rejects when the evaluation is aborted",
      async check(runner) {
        const controller = new AbortController();
        const evaluation = runner.evaluate(
          { trial: 5, candidate: { act: "hang" }, seed: 1 },
          controller.signal,
        );
        setTimeout(() => controller.abort(new Error("no longer wanted")), 300);
        await assert.rejects(evaluation, /no longer wanted/);
      },
    },
    {
      name: "runs as many evaluations at once as it has workers",
      async check(runner) {
        const outcomes = await Promise.all(
          Array.from({ length: runner.workers }, (_, i) =>
            runner.evaluate({ trial: 10 + i, candidate: { act: "square", x: i }, seed: i }, signal()),
          ),
        );
        assert.deepEqual(
          outcomes.map(({ metrics }) => metrics?.y),
          outcomes.map((_, i) => i * i),
        );
      },
    },
  ];
  if (isolated)
    cases.push(
      {
        name: "outlives a candidate that ends its process",
        async check(runner) {
          const outcome = await runner.evaluate({ trial: 6, candidate: { act: "exit" }, seed: 1 }, signal());
          assert.match(outcome.failure!, /exit code 3/);
          const next = await runner.evaluate(
            { trial: 7, candidate: { act: "square", x: 2 }, seed: 1 },
            signal(),
          );
          assert.deepEqual(next.metrics, { y: 4 });
        },
      },
      {
        name: "ends the processes that an evaluation started, also those that left its group",
        async check(runner, temporaryFile) {
          const candidate = { act: "fork-and-hang", pidFile: temporaryFile } as const;
          await runner.evaluate({ trial: 8, candidate, seed: 1, limitSeconds: 3 }, signal());
          assert.ok(existsSync(temporaryFile), "the grandchild never started");
          const pid = Number(readFileSync(temporaryFile, "utf8"));
          for (let tries = 0; tries < 50 && isAlive(pid); tries++)
            await new Promise((go) => setTimeout(go, 100));
          assert.ok(!isAlive(pid), `grandchild ${pid} is still there`);
        },
      },
    );
  return cases;
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "latin1").includes(") Z ");
  } catch {
    return false;
  }
}
