/** The fleet commands on a real Slurm: a node goes down and a job is preempted, and the account tells that story. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { missingSlurm, type SlurmCluster, startSlurm } from "./slurm/cluster.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../", import.meta.url));

describe.skipIf(missingSlurm())("a real Slurm", () => {
  let cluster: SlurmCluster;
  beforeAll(async () => {
    cluster = await startSlurm();
  }, 180_000);
  afterAll(() => cluster?.stop(), 60_000);

  const fleet = async (...words: string[]): Promise<string> => {
    const { stdout } = await run(process.execPath, ["dist/cli/main.js", "fleet", ...words], {
      cwd: root,
      env: { ...process.env, ...cluster.environment },
      maxBuffer: 1 << 26,
    });
    return stdout;
  };

  const submit = async (...words: string[]): Promise<string> => {
    const printed = await cluster.command("sbatch", "--parsable", "--output=/dev/null", ...words);
    return printed.trim();
  };

  /** Waits until the attempts of a job, first to last, are in these states in accounting. */
  const reach = async (job: string, ...states: string[]): Promise<void> => {
    const attempts = async () => {
      const printed = await cluster.command(
        "sacct",
        ...["--jobs", job, "--allocations", "--duplicates", "--noheader", "--parsable2", "--format=State"],
      );
      return printed
        .trim()
        .split("\n")
        .map((state) => state.split(" ")[0]);
    };
    await expect.poll(attempts, { timeout: 60_000, interval: 300 }).toEqual(states);
  };

  it("is told by fleet collect and fleet report: the node that failed, and what preempted", async () => {
    const works = await submit("--job-name=works", "--gres=gpu:1", "--wrap=true");
    const breaks = await submit("--job-name=breaks", "--gres=gpu:1", "--wrap=exit 3");
    await reach(works, "COMPLETED");
    await reach(breaks, "FAILED");

    const unlucky = await submit(
      "--job-name=unlucky",
      "--nodes=2",
      "--nodelist=n[1-2]",
      "--gres=gpu:8",
      "--wrap=sleep 600",
    );
    await reach(unlucky, "RUNNING");
    // Accounting counts whole seconds: an attempt of none would be no exposure.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await cluster.command("scontrol", "update", "nodename=n2", "state=down", "reason=GPU fell off the bus");
    await reach(unlucky, "NODE_FAIL", "PENDING");
    await cluster.command("scancel", unlucky);
    await reach(unlucky, "NODE_FAIL", "CANCELLED");

    const victim = await submit("--job-name=victim", "--nodelist=n3", "--gres=gpu:8", "--wrap=sleep 600");
    await reach(victim, "RUNNING");
    const urgent = await submit(
      "--job-name=urgent",
      "--partition=hi",
      "--nodelist=n3",
      "--gres=gpu:8",
      "--wrap=sleep 1",
    );
    await reach(urgent, "COMPLETED");
    await cluster.command("scancel", victim);
    await reach(victim, "PREEMPTED", "CANCELLED");

    const into = join(cluster.folder, "collected");
    const collected = JSON.parse(await fleet("collect", "--from", "now-1hours", "--out", into, "--json"));
    expect(collected.missing).toEqual([]);
    const controller = join(cluster.folder, "log", "slurmctld.log");
    const logs = [...collected.files, controller];
    const report = JSON.parse(await fleet("report", ...logs, "--strict", "--json"));

    expect(report.log.byState).toEqual({ COMPLETED: 2, FAILED: 1, NODE_FAIL: 1, CANCELLED: 2, PREEMPTED: 1 });
    expect(report.log.runs).toBe(5);
    const causes = report.causes.bySymptom.map(({ symptom }: { symptom: string }) => symptom);
    expect(causes).toEqual(["GPU unavailable"]);
    expect(report.mttf.find(({ size }: { size: number }) => size === 16)).toMatchObject({
      failures: 1,
      meanNodes: 2,
    });
    expect(report.lemons.sentence).toBe("every failure is counted on the node that caused it");
    expect(report.preemptions).toEqual({ byReason: { "first start": 1 }, inferred: 0, unexplained: 0 });

    // Without the controller's log the preemptor is inferred, and the report says so.
    const less = JSON.parse(await fleet("report", ...collected.files, "--json"));
    expect(less.preemptions).toEqual({ byReason: { "first start": 1 }, inferred: 1, unexplained: 0 });
    expect(less.unknowable.join(" ")).toContain("slurmctld.log names it");

    const text = await fleet("lemons", ...logs);
    expect(text).toContain("suspected lemon nodes");
  }, 240_000);
});
