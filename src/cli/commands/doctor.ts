/** `terrarium doctor`: what this machine offers, and what each part that is missing would add. */
import { existsSync } from "node:fs";
import { arch, availableParallelism, platform, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { Command } from "commander";
import { print, withCommonOptions } from "../output.ts";

interface Finding {
  readonly part: string;
  readonly found: string | undefined;
  /** What it adds, for people. */
  readonly adds: string;
  readonly toInstall: string;
}

export function doctorCommand(): Command {
  return withCommonOptions(new Command("doctor"), { seed: false })
    .description("Say which optional parts this machine has, and what each would add.")
    .action((options: { json?: boolean }) => {
      const machine = `Node ${process.versions.node} on ${platform()} ${arch()}, ${availableParallelism()} cores, ${(totalmem() / 2 ** 30).toFixed(0)} GiB of memory`;
      const findings = examine();
      print(options, { machine, parts: findings }, () => {
        const width = Math.max(...findings.map(({ part }) => part.length));
        const lines = findings.flatMap(({ part, found, adds, toInstall }) => [
          `  ${found ? "yes" : "no "}  ${part.padEnd(width)}  ${found ?? adds}`,
          ...(found ? [] : [`       ${"".padEnd(width)}  to install: ${toInstall}`]),
        ]);
        return `${machine}\n\nPlanning needs nothing more. Optional parts:\n${lines.join("\n")}`;
      });
    });
}

function examine(): Finding[] {
  return [
    {
      part: "NVIDIA GPU",
      found: onPath("nvidia-smi"),
      adds: "measured power and utilisation of this machine's GPUs",
      toInstall: "the NVIDIA driver, which brings nvidia-smi",
    },
    {
      part: "Slurm",
      found: onPath("sacct") ?? onPath("sbatch"),
      adds: "logs of this cluster's own jobs for failure rates",
      toInstall: "run on a login node of the cluster, or apt-get install slurm-client",
    },
    {
      part: "Python",
      found: onPath("python3"),
      adds: "the peers that bench/ compares with",
      toInstall: "apt-get install python3-venv",
    },
    {
      part: "Chromium",
      found: onPath("chromium") ?? onPath("google-chrome"),
      adds: "the tests that look at reports as a reader sees them",
      toInstall: "apt-get install chromium",
    },
  ];
}

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path));
}
