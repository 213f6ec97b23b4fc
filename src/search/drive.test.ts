import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ProgressListener } from "../core/index.ts";
import { type DriveOptions, drive } from "./drive.ts";
import type { Operators } from "./operator.ts";
import { createPolicy } from "./policies/create.ts";
import { InProcessRunner } from "./runners/in-process.ts";
import type { Evaluator } from "./runners/runner.ts";
import { Space } from "./space/space.ts";
import { spaceOperators } from "./space/variation.ts";
import type { Budget, StudyRequest } from "./spec.ts";
import { Study } from "./study.ts";
import { trialRows, trialsCsv } from "./views/export.ts";
import { importances } from "./views/importance.ts";
import { studyPage } from "./views/report.ts";
import { bestSoFar, status } from "./views/status.ts";
import { bestTable, summary } from "./views/summary.ts";

const root = mkdtempSync(join(tmpdir(), "terrarium-drive-"));
afterAll(() => rmSync(root, { recursive: true }));
let studies = 0;

const space = new Space({
  x: { kind: "real", low: -1, high: 1 },
  y: { kind: "real", low: -1, high: 1 },
  label: { kind: "choice", values: ["a, or b", 'the "c"'] },
});

interface Setting {
  readonly budget: Budget;
  readonly evaluator?: Evaluator<unknown>;
  readonly operators?: Operators<unknown>;
  readonly policy?: StudyRequest["policy"];
  readonly objectives?: StudyRequest["objectives"];
  readonly workers?: number;
  readonly clock?: () => number;
  readonly folder?: string;
  readonly space?: StudyRequest["space"];
  readonly progress?: ProgressListener;
  readonly options?: Partial<DriveOptions<unknown>>;
}

/** Runs a study to its end and closes it. */
async function run(setting: Setting) {
  const { budget, workers = 1, clock = () => performance.now() } = setting;
  const request: StudyRequest = {
    domain: "test",
    space: setting.space ?? space,
    objectives: setting.objectives ?? [{ metric: "loss", direction: "minimise" }],
    policy: setting.policy ?? { name: "random" },
    budget,
    seed: 1,
  };
  const folder = setting.folder ?? join(root, String(studies++));
  const study = Study.open<unknown>(folder, request, { clock, progress: setting.progress });
  const evaluator: Evaluator<unknown> =
    setting.evaluator ?? ((point) => ({ loss: (point as { x: number }).x ** 2 }));
  const runner = new InProcessRunner(evaluator, { clock, workers });
  const operators = setting.operators ?? (spaceOperators(space) as Operators<unknown>);
  try {
    const policy = createPolicy(study.spec, space);
    const ending = await drive(study, { policy, operators, runner, ...setting.options });
    return { ending, history: study.history, spec: study.spec, folder };
  } finally {
    study.close();
  }
}

const hang: Evaluator<unknown> = (_, { signal }) =>
  new Promise((_, reject) =>
    signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true }),
  );

describe("budgets", () => {
  it("of trials ends the study with exactly that many", async () => {
    const { ending, history } = await run({ budget: { trials: 7 }, workers: 3 });
    expect(ending).toEqual({ kind: "budget", reason: "all 7 trials are used" });
    expect(history.completeCount).toBe(7);
  });

  it("of wall-clock time ends what is being evaluated, with that as its reason", async () => {
    const { ending, history } = await run({ budget: { wallSeconds: 0.3 }, evaluator: hang, workers: 2 });
    expect(ending.kind).toBe("budget");
    expect(history.trials.length).toBeGreaterThanOrEqual(2);
    for (const { failure } of history.trials) expect(failure).toMatch(/ended at its limit/);
  });

  it("of evaluation time is never passed by evaluations side by side", async () => {
    const { ending, history } = await run({
      budget: { evaluationSeconds: 0.4 },
      evaluator: hang,
      workers: 4,
    });
    expect(ending).toMatchObject({ kind: "budget", reason: expect.stringContaining("evaluation time") });
    expect(history.spent.seconds).toBeCloseTo(0.4, 6);
  });

  it("per trial ends each evaluation by itself", async () => {
    const { history } = await run({ budget: { trials: 2, secondsPerTrial: 0.05 }, evaluator: hang });
    expect(history.trials.map(({ failure }) => failure)).toEqual([
      "ended at its limit of 0.05 s",
      "ended at its limit of 0.05 s",
    ]);
  });

  it("of tokens and money stop before the next act, and tell each operator what it may spend", async () => {
    const allowances: (number | undefined)[] = [];
    const operators: Operators<unknown> = {
      draft: {
        apply: ({ allowance }) => {
          allowances.push(allowance.tokens);
          return { candidate: { x: 0 }, spent: { tokens: 30, usd: 0.5 } };
        },
      },
    };
    const tokens = await run({ budget: { tokens: 100 }, operators });
    expect(tokens.history.trials).toHaveLength(4);
    expect(allowances).toEqual([100, 70, 40, 10]);
    expect(tokens.ending).toEqual({ kind: "budget", reason: "the 100 tokens are used up" });
    // The fourth call overspent; its candidate is kept but not evaluated.
    expect(tokens.history.trials.at(-1)!.state).toBe("made");
    const money = await run({ budget: { usd: 1, trials: 50 }, operators });
    expect(money.history.trials).toHaveLength(2);
  });

  it("of wall-clock time interrupts an operator, whose trial is taken up when the budget is raised", async () => {
    const operators: Operators<unknown> = { draft: { apply: () => new Promise(() => {}) } };
    const first = await run({ budget: { wallSeconds: 0.1, trials: 1 }, operators });
    expect(first.ending.kind).toBe("budget");
    expect(first.history.trials.map(({ state }) => state)).toEqual(["asked"]);
    const second = await run({ budget: { trials: 1 }, folder: first.folder });
    expect(second.history.trials.map(({ state }) => state)).toEqual(["complete"]);
  });

  it("counts the time of earlier runs of the controller, but not the time between them", async () => {
    let now = 0;
    const clock = () => now;
    const evaluator: Evaluator<unknown> = () => {
      now += 10_000;
      return { loss: 1 };
    };
    const first = await run({ budget: { wallSeconds: 25 }, evaluator, clock });
    expect(first.history.trials).toHaveLength(3);
    now += 1e9;
    const second = await run({ budget: { wallSeconds: 45 }, evaluator, clock, folder: first.folder });
    expect(second.history.trials).toHaveLength(5);
    expect(second.history.at).toBe(50);
  });
});

describe("the loop", () => {
  it("stops when told to, and goes on from there without doing anything twice", async () => {
    const controller = new AbortController();
    const evaluated: number[] = [];
    const evaluator: Evaluator<unknown> = async (point, context) => {
      evaluated.push(context.trial);
      if (context.trial === 3 && !controller.signal.aborted) {
        controller.abort();
        return hang(point, context);
      }
      return { loss: 1 };
    };
    const budget = { trials: 6 };
    const options = { signal: controller.signal };
    const first = await run({ budget, evaluator, options });
    expect(first.ending).toEqual({ kind: "stopped" });
    expect(first.history.trials.map(({ state }) => state)).toEqual([
      "complete",
      "complete",
      "complete",
      "running",
    ]);
    const second = await run({ budget, evaluator, folder: first.folder });
    expect(second.history.completeCount).toBe(6);
    expect(evaluated).toEqual([0, 1, 2, 3, 3, 4, 5]);
  });

  it("ends when the policy has no more to propose", async () => {
    const small = new Space({ n: { kind: "integer", low: 1, high: 3 } });
    const folder = join(root, "small");
    const request: StudyRequest = {
      domain: "test",
      space: small,
      objectives: [{ metric: "loss", direction: "maximise" }],
      policy: { name: "exhaustive" },
      budget: {},
      seed: 1,
    };
    const clock = () => 0;
    const study = Study.open<unknown>(folder, request, { clock });
    const runner = new InProcessRunner<unknown>((point) => ({ loss: (point as { n: number }).n }), {
      clock,
      workers: 2,
    });
    const ending = await drive(study, { policy: createPolicy(study.spec, small), operators: {}, runner });
    study.close();
    expect(ending).toEqual({ kind: "done" });
    expect(status(study).best).toEqual([{ trial: 2, candidate: { n: 3 }, metrics: { loss: 3 } }]);
  });

  it("rejects a candidate before it is evaluated", async () => {
    const { history } = await run({
      budget: { trials: 20 },
      evaluator: (point) => {
        if ((point as { x: number }).x > 0) throw new Error("this should never have been evaluated");
        return { loss: 0 };
      },
      options: { reject: (point) => ((point as { x: number }).x > 0 ? "x is over 0" : undefined) },
    });
    const failures = history.trials.flatMap(({ failure }) => failure ?? []);
    expect(new Set(failures)).toEqual(new Set(["rejected: x is over 0"]));
    expect(failures.length).toBeGreaterThan(0);
    expect(history.completeCount).toBe(20 - failures.length);
  });

  it("fails the trial of an operator that throws, and goes on", async () => {
    let calls = 0;
    const operators: Operators<unknown> = {
      draft: {
        apply: () => {
          if (++calls === 1) throw new Error("no answer");
          return { candidate: { x: 1 } };
        },
      },
    };
    const { history } = await run({ budget: { trials: 2 }, operators });
    expect(history.trials.map(({ failure }) => failure)).toEqual([
      "no candidate: Error: no answer",
      undefined,
    ]);
  });

  it("throws on an operator that the domain does not have: that is a bug", async () => {
    await expect(run({ budget: { trials: 2 }, operators: {} })).rejects.toThrow(/operator "draft"/);
  });

  it("in finished order is not held up by a slow evaluation", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const order: number[] = [];
    const { history } = await run({
      budget: { trials: 6 },
      workers: 2,
      evaluator: async (_, { trial }) => {
        if (trial === 0) await gate;
        order.push(trial);
        if (trial === 4) release();
        return { loss: trial };
      },
      options: { tellOrder: "finished" },
    });
    expect(order.slice(0, 4)).toEqual([1, 2, 3, 4]);
    expect(history.completeCount).toBe(6);
  });
});

describe("views", () => {
  it("show a study's status, best so far, importances and rows", async () => {
    const { history, spec } = await run({
      budget: { trials: 60 },
      policy: { name: "sobol" },
      evaluator: (point, { trial }) => {
        if (trial === 5) throw new Error("it broke");
        const { x, y } = point as { x: number; y: number };
        return { loss: x * x + 0.1 * y, other: 1 };
      },
    });
    const shown = status({ spec, history });
    expect(shown.trials).toEqual({ asked: 0, made: 0, running: 0, complete: 59, failed: 1 });
    expect(shown.failures).toEqual([{ reason: "Error: it broke", count: 1 }]);
    const losses = history.trials.flatMap(({ metrics }) => metrics?.loss ?? []);
    expect(shown.best[0]!.metrics.loss).toBe(Math.min(...losses));
    const best = bestSoFar({ spec, history })!;
    expect(best[5]).toBe(best[4]);
    expect(best.at(-1)).toBe(Math.min(...losses));
    const found = importances(space, history as never, "loss", 1);
    expect(found.parts[0]!.part).toBe("x");
    expect(found.leaveOneOutRSquared).toBeGreaterThan(0.9);
    // Variance of x^2 is 4/45 and of 0.1 y is 0.01/3 on [-1, 1], and they add up.
    expect(found.parts[0]!.totalEffect).toBeCloseTo(4 / 45 / (4 / 45 + 0.01 / 3), 1);
    expect(found.parts[2]).toMatchObject({ part: "label", totalEffect: expect.closeTo(0, 1) });
    expect(() => importances(space, history as never, "nothing", 1)).toThrow(/at least 5/);

    const rows = trialRows(history);
    expect(rows).toHaveLength(60);
    expect(rows[5]).toMatchObject({ state: "failed", metrics: null, failure: "Error: it broke" });
    const csv = trialsCsv(history).split("\n");
    expect(csv[0]).toBe(
      "trial,state,operator,parents,candidate.x,candidate.y,candidate.label,loss,other,failure,seconds,tokens,usd",
    );
    expect(csv).toHaveLength(62);
    expect(csv.slice(1).some((line) => line.includes('"a, or b"'))).toBe(true);
    expect(csv.slice(1).some((line) => line.includes('"the ""c"""'))).toBe(true);
  });

  it("tell how far a study is after each outcome", async () => {
    const said: string[] = [];
    await run({
      budget: { trials: 3 },
      evaluator: (_, { trial }) => {
        if (trial === 1) throw new Error("it broke");
        return { loss: 2 - trial };
      },
      progress: ({ done, total, note }) => said.push(`${done} of ${total}, ${note}`),
    });
    expect(said).toEqual([
      "1 of 3, best loss 2",
      "2 of 3, best loss 2, 1 failed",
      "3 of 3, best loss 0, 1 failed",
    ]);
  });

  it("draw a page of a study in a space, and of one whose candidates are programs", async () => {
    const { history, spec } = await run({
      budget: { trials: 40 },
      objectives: [
        { metric: "a", direction: "minimise", reference: 2 },
        { metric: "b", direction: "minimise", reference: 2 },
      ],
      evaluator: (point, { trial }) => {
        if (trial === 5) throw new Error("<it broke>");
        const { x, y } = point as { x: number; y: number };
        return { a: x * x, b: 1 - x + 0.1 * y };
      },
    });
    const drawn = await studyPage({ spec, history });
    for (const title of ["The best", "Front", "Progress", "Candidates", "Importances", "Failures"])
      expect(drawn).toContain(`<h2>${title}</h2>`);
    expect(drawn).toContain("&#60;it broke&#62;");
    const found = summary({ spec, history });
    expect(found.importances.map(({ metric, parts }) => [metric, parts[0]!.part])).toEqual([
      ["a", "x"],
      ["b", "x"],
    ]);
    const table = bestTable(spec, found.status.best);
    expect(table.head).toEqual(["trial", "a", "b", "x", "y", "label"]);
    expect(table.rows).toHaveLength(found.status.best.length);

    const program = `print(1)${" # and so on".repeat(20)}`;
    const programs = await run({
      budget: { trials: 12 },
      space: "programs",
      operators: { draft: { apply: () => ({ candidate: program }) } },
      evaluator: () => ({ loss: 1 }),
    });
    const bare = await studyPage(programs);
    for (const title of ["Candidates", "Importances", "Failures"])
      expect(bare).not.toContain(`<h2>${title}</h2>`);
    expect(bestTable(programs.spec, status(programs).best).rows[0]!.at(-1)).toMatch(
      /^print\(1\).{72}\.\.\.$/,
    );
  });

  it("draw a page before anything is known", async () => {
    const { history, spec } = await run({ budget: { trials: 1 }, evaluator: () => ({}) });
    expect(await studyPage({ spec, history })).toContain("No trial is complete and feasible yet");
  });

  it("show the front and its hypervolume where there are two objectives", async () => {
    const { history, spec } = await run({
      budget: { trials: 30 },
      objectives: [
        { metric: "a", direction: "minimise", reference: 1 },
        { metric: "b", direction: "maximise", reference: 0 },
      ],
      evaluator: (point) => {
        const { x } = point as { x: number };
        return { a: x * x, b: x + 0.5 };
      },
    });
    const { best, hypervolume } = status({ spec, history });
    for (const one of best)
      for (const other of best)
        expect(one.metrics.a! < other.metrics.a! && one.metrics.b! > other.metrics.b!).toBe(false);
    const progress = bestSoFar({ spec, history })!;
    expect(progress.at(-1)).toBeCloseTo(hypervolume!, 12);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  });
});
