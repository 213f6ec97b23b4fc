/**
 * A real Slurm on one machine, for tests: a controller, an accounting database and four virtual nodes, all on the
 * loopback interface and under one temporary folder, so that several can stand side by side. Needs root and Debian's
 * slurm-wlm, slurmdbd, munge and mariadb-server, none of which has to be running.
 */
import { execFile, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { missing, program } from "../requirements.ts";

const run = promisify(execFile);

export const SLURM_PACKAGES = "slurm-wlm slurmdbd munge mariadb-server";

/** True where tests on a real Slurm are to be skipped. */
export function missingSlurm(): boolean {
  const programs = ["sbatch", "slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd"];
  const present = programs.every(program) && process.getuid?.() === 0;
  return missing(
    "a Slurm that this process may start (as root)",
    present,
    `apt-get install --no-install-recommends ${SLURM_PACKAGES}`,
  );
}

/** Accelerators of each node, as Slurm believes. */
const ACCELERATORS = 8;

export interface SlurmCluster {
  /** The temporary folder; shared by all nodes, as they are one machine. */
  readonly folder: string;
  /** For the environment of every Slurm command: `SLURM_CONF`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly nodes: readonly string[];
  /** A Slurm command's standard output. Rejects when it fails. */
  command(program: string, ...parameters: string[]): Promise<string>;
  /** Ends every process of the cluster and removes the folder. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster of nodes n1 to n4 with two CPUs and eight accelerators each, and two partitions: `lo`, the default, whose jobs are requeued
 * when a job of `hi` needs their place. Rejects with the logs when it does not come up.
 */
export async function startSlurm(): Promise<SlurmCluster> {
  const folder = mkdtempSync(join(tmpdir(), "terrarium-slurm-"));
  chmodSync(folder, 0o755);
  const at = (...parts: string[]) => join(folder, ...parts);
  for (const name of ["etc", "log", "run", "spool", "mysql", "munge"]) mkdirSync(at(name));
  const nodes = ["n1", "n2", "n3", "n4"];
  const [controller, accounting, database, ...nodePorts] = await freePorts(3 + nodes.length);
  writeFileSync(at("etc", "slurm.conf"), slurmConf(at, controller!, accounting!, nodes, nodePorts));
  writeFileSync(at("etc", "cgroup.conf"), "CgroupPlugin=autodetect\n");
  // Slurm asks that an accelerator's device file is there, and never opens it.
  for (let device = 0; device < ACCELERATORS; device++) writeFileSync(at("etc", `gpu${device}`), "");
  writeFileSync(
    at("etc", "gres.conf"),
    `NodeName=${nodes.join(",")} Name=gpu File=${at("etc", `gpu[0-${ACCELERATORS - 1}]`)}\n`,
  );
  writeFileSync(at("etc", "slurmdbd.conf"), slurmdbdConf(at, accounting!, database!), { mode: 0o600 });
  const environment = { SLURM_CONF: at("etc", "slurm.conf") };
  const env = { ...process.env, ...environment };
  const command = async (name: string, ...parameters: string[]): Promise<string> =>
    (await run(name, parameters, { env, encoding: "utf8" })).stdout;

  const stop = async (): Promise<void> => {
    // Nodes first, so that nobody is left to report to; then whatever was started within the folder.
    const pidFiles = readdirSync(at("run")).sort(
      (a, b) => Number(b.startsWith("slurmd.")) - Number(a.startsWith("slurmd.")),
    );
    for (const file of pidFiles) end(Number(readFileSync(at("run", file), "utf8")));
    for (let tries = 0; tries < 50 && pidFiles.length > 0; tries++) {
      if (readdirSync(at("run")).filter((name) => name.endsWith(".pid")).length === 0) break;
      await pause(100);
    }
    for (const pid of processesOf(folder)) end(pid, "SIGKILL");
    await pause(100);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  try {
    writeFileSync(at("munge", "key"), randomBytes(128), { mode: 0o400 });
    execFileSync("munged", [
      "--force",
      `--socket=${at("munge", "socket")}`,
      `--key-file=${at("munge", "key")}`,
      `--log-file=${at("log", "munged.log")}`,
      `--pid-file=${at("run", "munged.pid")}`,
      `--seed-file=${at("munge", "seed")}`,
    ]);
    await startDatabase(folder, database!);
    const daemon = (name: string, ...parameters: string[]) =>
      execFileSync(name, parameters, { env, stdio: "ignore" }); // a daemon would keep a pipe open
    daemon("slurmdbd");
    await until(() => command("sacctmgr", "-i", "add", "cluster", "lab"), 60);
    daemon("slurmctld", "-c");
    for (const node of nodes) daemon("slurmd", "-N", node);
    await until(async () => {
      const idle = await command("sinfo", "--noheader", "--Node", "--partition=lo", "--format=%T");
      if (idle.split("\n").filter((state) => state === "idle").length !== nodes.length) throw new Error(idle);
    }, 60);
  } catch (error) {
    const logs = readdirSync(at("log")).map(
      (name) => `${name}:\n${readFileSync(at("log", name), "utf8").slice(-2000)}`,
    );
    await stop();
    throw new Error(`Slurm did not start: ${(error as Error).message}\n${logs.join("\n")}`);
  }
  return { folder, environment, nodes, command, stop };
}

function slurmConf(
  at: (...parts: string[]) => string,
  controller: number,
  accounting: number,
  nodes: readonly string[],
  ports: readonly number[],
): string {
  return `ClusterName=lab
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A requeued job is held until its old credential has expired: 10 s instead of 120.
AuthInfo=socket=${at("munge", "socket")},cred_expire=10
CredType=cred/munge
SlurmctldPort=${controller}
SlurmctldPidFile=${at("run", "slurmctld.pid")}
SlurmdPidFile=${at("run", "slurmd.%n.pid")}
StateSaveLocation=${at("spool", "ctld")}
SlurmdSpoolDir=${at("spool", "%n")}
SlurmctldLogFile=${at("log", "slurmctld.log")}
SlurmdLogFile=${at("log", "slurmd.%n.log")}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SwitchType=switch/none
MpiDefault=none
ReturnToService=1
SlurmdTimeout=10
KillWait=2
BatchStartTimeout=10
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_min_interval=100000
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
JobRequeue=1
GresTypes=gpu
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=${accounting}
AccountingStorageTRES=gres/gpu
# Towards the accounting daemon this is where the munge socket is named.
AccountingStoragePass=${at("munge", "socket")}
SlurmdParameters=config_overrides
${nodes.map((node, i) => `NodeName=${node} NodeHostname=localhost NodeAddr=127.0.0.1 Port=${ports[i]} CPUs=2 RealMemory=500 Gres=gpu:${ACCELERATORS} State=UNKNOWN`).join("\n")}
PartitionName=lo Nodes=ALL Default=YES MaxTime=1:00:00 PriorityTier=1 State=UP
PartitionName=hi Nodes=ALL MaxTime=1:00:00 PriorityTier=10 PreemptMode=OFF State=UP
`;
}

function slurmdbdConf(at: (...parts: string[]) => string, accounting: number, database: number): string {
  return `AuthType=auth/munge
AuthInfo=socket=${at("munge", "socket")}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort=${accounting}
SlurmUser=root
LogFile=${at("log", "slurmdbd.log")}
PidFile=${at("run", "slurmdbd.pid")}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort=${database}
StorageUser=slurm
StoragePass=terrarium
StorageLoc=slurm_acct_db
`;
}

async function startDatabase(folder: string, port: number): Promise<void> {
  const data = join(folder, "mysql");
  const [user, group] = ["-u", "-g"].map((flag) =>
    Number(execFileSync("id", [flag, "mysql"], { encoding: "utf8" })),
  );
  for (const owned of [data, join(folder, "run")]) chownSync(owned, user!, group!);
  execFileSync(
    "mariadb-install-db",
    [
      "--no-defaults",
      "--user=mysql",
      `--datadir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ],
    { stdio: "ignore" },
  );
  spawn(
    "mariadbd",
    [
      "--no-defaults",
      "--user=mysql",
      `--datadir=${data}`,
      "--bind-address=127.0.0.1",
      `--port=${port}`,
      `--socket=${join(data, "m.sock")}`,
      `--pid-file=${join(folder, "run", "mariadbd.pid")}`,
      "--innodb-buffer-pool-size=64M",
      "--innodb-lock-wait-timeout=900",
    ],
    { detached: true, stdio: "ignore" },
  ).unref();
  const sql =
    "CREATE DATABASE IF NOT EXISTS slurm_acct_db; CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'terrarium'; " +
    "GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';";
  await until(
    () => run("mariadb", ["--no-defaults", `--socket=${join(data, "m.sock")}`, "-u", "root", "-e", sql]),
    60,
  );
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
        }),
    ),
  );
  for (const server of servers) server.close();
  return ports;
}

async function until(attempt: () => Promise<unknown>, seconds: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (tries >= seconds * 2) throw error;
      await pause(500);
    }
  }
}

/** The processes whose command line or Slurm configuration lies in `folder`. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return [];
    try {
      const text =
        readFileSync(`/proc/${entry}/cmdline`, "utf8") + readFileSync(`/proc/${entry}/environ`, "latin1");
      return text.includes(folder) ? [Number(entry)] : [];
    } catch {
      return [];
    }
  });
}

function end(pid: number, signal: NodeJS.Signals = "SIGTERM"): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
