import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ConformanceCandidate,
  readStudy,
  runnerConformance,
  SlurmRunner,
} from "../../src/search/index.ts";
import { missingSlurm, type SlurmCluster, startSlurm } from "./cluster.ts";

const host = (name: string) => fileURLToPath(new URL(name, import.meta.url));

describe.skipIf(missingSlurm())("the Slurm runner on a real Slurm", () => {
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await startSlurm();
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  const environment = () => ({ ...process.env, ...cluster.environment });

  describe("conforms:", () => {
    let made = 0;
    for (const { name, check } of runnerConformance({ isolated: true }))
      it(name, async () => {
        const folder = join(cluster.folder, `conformance-${made}`);
        const runner = new SlurmRunner<ConformanceCandidate>(
          { file: host("../../src/search/runners/conformance.ts"), name: "conformanceEvaluator" },
          {
            folder,
            jobName: `conformance-${made++}`,
            workers: 4,
            pollSeconds: 0.5,
            environment: environment(),
          },
        );
        try {
          await check(runner, join(folder, "grandchild.pid"));
        } finally {
          await runner.close();
        }
      }, 120_000);
  });

  it("ends 50 evaluations right, each counted once, through a lost node, a requeue, a preemption and a killed controller", async () => {
    const folder = join(cluster.folder, "study");
    mkdirSync(folder);
    const controller = () =>
      spawn(process.execPath, ["--import", "tsx", host("./controller.ts"), folder], {
        env: environment(),
        stdio: ["ignore", "ignore", "inherit"],
      });
    const told = () => {
      try {
        return readStudy(folder).history.trials.filter(({ state }) => state === "complete").length;
      } catch {
        return 0; // the study has not begun
      }
    };
    const running = async () => {
      const text = await cluster.command(
        "squeue",
        "--noheader",
        "--array",
        "--states=R",
        "--format=%F_%K %N",
      );
      return text
        .trim()
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" ") as [job: string, node: string]);
    };
    const when = async <T>(what: () => T | Promise<T>): Promise<NonNullable<T>> => {
      for (;;) {
        const found = await what();
        if (found) return found;
        await new Promise((go) => setTimeout(go, 200));
      }
    };

    let process_ = controller();
    // A node is set down while it works: Slurm requeues what ran there.
    const [, lost] = await when(async () => (told() >= 5 ? (await running())[0] : undefined));
    await cluster.command("scontrol", "update", `nodename=${lost}`, "state=down", "reason=test");
    // One job is requeued by hand.
    const [requeued] = await when(async () => (await running()).find(([, node]) => node !== lost));
    await cluster.command("scontrol", "requeue", requeued);
    // The controller is killed with jobs under way, and another takes over from its journal.
    await when(async () => told() >= 12 && (await running()).length >= 2);
    process_.kill("SIGKILL");
    await new Promise((go) => process_.once("exit", go));
    const atDeath = told();
    // Meanwhile a job of more weight takes the place of others: they are preempted, and requeued.
    const urgent = join(cluster.folder, "urgent.sh");
    writeFileSync(urgent, "#!/bin/sh\nsleep 5\n", { mode: 0o755 });
    const up = cluster.nodes.filter((node) => node !== lost);
    await when(async () => (await running()).length >= 1);
    await cluster.command(
      "sbatch",
      "--partition=hi",
      "--exclusive",
      `--nodes=${up.length}`,
      "--output=/dev/null",
      urgent,
    );
    process_ = controller();
    await when(async () => told() > atDeath);
    await cluster.command("scontrol", "update", `nodename=${lost}`, "state=resume");
    const code = await new Promise((go) => process_.once("exit", go));
    expect(code).toBe(0);

    const { history } = readStudy<{ n: number }>(folder);
    expect(history.trials).toHaveLength(50);
    for (const { candidate, metrics } of history.trials)
      expect(metrics).toEqual({ square: candidate!.n ** 2 });
    expect(history.unsettled).toEqual([]);

    // The accidents did happen to these jobs.
    const attempts = await cluster.command(
      "sacct",
      "-D",
      "-X",
      "-n",
      "-P",
      "--starttime=now-1hours",
      "--format=JobName,State",
    );
    const states = new Set(
      attempts
        .split("\n")
        .filter((line) => line.startsWith("fifty-"))
        .map((line) => line.split("|")[1]!.split(" ")[0]),
    );
    expect([...states].sort()).toEqual(
      expect.arrayContaining(["COMPLETED", "NODE_FAIL", "PREEMPTED", "REQUEUED"]),
    );
  }, 600_000);
});
