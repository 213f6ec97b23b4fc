/**
 * A study of 40 trials that uses every kind of event: a tree search whose operators make candidates, some of which
 * fail. As a program, `dutiful-study FOLDER [N]` works on it and is killed by its own hand after its Nth event.
 */
import { drive } from "../drive.ts";
import type { Operators } from "../operator.ts";
import { createPolicy } from "../policies/create.ts";
import { InProcessRunner } from "../runners/in-process.ts";
import type { StudyRequest } from "../spec.ts";
import { Study } from "../study.ts";

interface Candidate {
  readonly x: number;
}

export const dutifulRequest: StudyRequest = {
  domain: "test",
  space: "a number",
  objectives: [{ metric: "loss", direction: "minimise" }],
  policy: { name: "mcts", children: 3, maxDebugDepth: 2 },
  budget: { trials: 40 },
  seed: 7,
};

const operators: Operators<Candidate> = {
  draft: { apply: ({ random }) => ({ candidate: { x: random.normal() }, spent: { tokens: 10 } }) },
  improve: {
    apply: ({ parents, random }) => ({
      candidate: { x: parents[0]!.candidate!.x + 0.3 * random.normal() },
      spent: { tokens: 5, usd: 0.25 },
      detail: { plan: "nearer" },
    }),
  },
  debug: { apply: ({ parents }) => ({ candidate: { x: parents[0]!.candidate!.x / 2 } }) },
};

export interface DutifulOptions {
  readonly request?: StudyRequest;
  readonly workers?: number;
  /** Evaluations take times that have nothing to do with their order. */
  readonly delays?: boolean;
  readonly dieAfter?: number;
}

/** Works on the study in `folder` to its end, and returns the notices of opening it. */
export async function runDutifulStudy(
  folder: string,
  options: DutifulOptions = {},
): Promise<readonly string[]> {
  const { request = dutifulRequest, workers = 1, delays = false, dieAfter } = options;
  let events = 0;
  const clock = () => 0;
  const study = Study.open<Candidate>(folder, request, {
    clock,
    onEvent: () => {
      if (++events === dieAfter) process.kill(process.pid, "SIGKILL");
    },
  });
  const runner = new InProcessRunner<Candidate>(
    async ({ x }, { trial }) => {
      if (delays) await new Promise((go) => setTimeout(go, (trial * 7) % 5));
      if (x > 1.2) throw new Error("the cliff");
      return { loss: x < -0.2 ? Number.NaN : (x - 0.5) ** 2 };
    },
    { clock, workers },
  );
  try {
    await drive(study, { policy: createPolicy(study.spec), operators, runner });
  } finally {
    await runner.close();
    study.close();
  }
  return study.notices;
}

if (process.argv[1]?.includes("dutiful-study")) {
  const [folder, events] = process.argv.slice(2);
  await runDutifulStudy(folder!, events === undefined ? {} : { dieAfter: Number(events) });
}
