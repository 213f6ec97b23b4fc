/** Energy of jobs as Slurm accounts for it: `sacct --parsable2 --format=JobID,Start,End,ConsumedEnergyRaw`. */
import { InputError, type Supervision } from "../core/index.ts";
import { openLog } from "./csv-stream.ts";
import { EnergyProfile } from "./energy-profile.ts";
import { type Measurement, measurementOf } from "./measurement.ts";
import type { LogOptions } from "./power-log.ts";
import { Timestamps } from "./timestamps.ts";

interface Job {
  start: number | undefined;
  end: number | undefined;
  readonly own: number[];
  readonly steps: Map<string, number>;
}

/** Slurm's ways to write "not known": all bits set, or all but one. */
const UNKNOWN = new Set(["", "4294967295", "4294967294", "18446744073709551615", "18446744073709551614"]);
const SUFFIX: Readonly<Record<string, number>> = { K: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/**
 * Each job's energy, spread evenly over its time. The job's own row counts where it has one; else the largest of its
 * steps' views (`extern` sees all nodes, numbered steps each their own part, `batch` the first node), which overlap.
 */
export async function readSlurmEnergy(
  file: string,
  options: LogOptions = {},
  supervision: Supervision = {},
): Promise<Measurement> {
  const { header, batches } = await openLog(file, "|", supervision);
  const at = (name: string) => header.indexOf(name);
  const id = Math.max(at("JobIDRaw"), at("JobID"));
  const energy = at("ConsumedEnergyRaw") >= 0 ? at("ConsumedEnergyRaw") : at("ConsumedEnergy");
  if (id < 0 || energy < 0 || at("Start") < 0 || at("End") < 0) {
    throw new InputError({
      place: { file, line: 1 },
      found: header.join("|"),
      expected: "the columns JobID, Start, End and ConsumedEnergyRaw",
      remedy: "sacct --parsable2 --duplicates --format=JobIDRaw,Start,End,State,ConsumedEnergyRaw",
    });
  }
  const timestamps = new Timestamps(options.timeZone, { path: "time-zone" });
  const jobs = new Map<string, Job>();
  for await (const batch of batches) {
    for (const { line, fields } of batch) {
      const [job, step] = fields[id]!.split(".") as [string, string | undefined];
      const known: Job = jobs.get(job) ?? { start: undefined, end: undefined, own: [], steps: new Map() };
      jobs.set(job, known);
      const joules = joulesIn(fields[energy] ?? "", file, line);
      if (step !== undefined) {
        if (joules !== undefined) known.steps.set(step, (known.steps.get(step) ?? 0) + joules);
        continue;
      }
      if (joules !== undefined) known.own.push(joules);
      // A requeued job has a row for each attempt: from the first start to the last end.
      const moment = (name: "Start" | "End") => {
        const text = fields[at(name)] ?? "";
        return /^(Unknown|None|)$/.test(text) ? undefined : timestamps.read(text, { file, line, path: name });
      };
      known.start = least(known.start, moment("Start"), Math.min);
      known.end = least(known.end, moment("End"), Math.max);
    }
  }
  const silent: string[] = [];
  const unfinished: string[] = [];
  const finished = [...jobs].map(([name, job]) => {
    const energy = new EnergyProfile();
    const joules = joulesOf(job);
    if (job.start === undefined || job.end === undefined) unfinished.push(name);
    else if (joules === 0) silent.push(name);
    else energy.add(job.start, job.end, joules);
    const samples = job.own.length + job.steps.size;
    return {
      instrument: "Slurm" as const,
      device: { device: `job ${name}`, component: "machine" as const, energy, samples },
      warnings: [],
    };
  });
  return measurementOf(file, finished, {
    zoneKnown: timestamps.zoneKnown,
    warnings: [
      ...counted("zero or missing energy (Slurm counts none without AcctGatherEnergyType)", silent),
      ...counted("no start or no end yet, so not counted", unfinished),
    ],
  });
}

/** `no end yet: 3 of the jobs (7, 9, 12)`, with the first few by name. */
function counted(what: string, jobs: readonly string[]): string[] {
  if (jobs.length === 0) return [];
  return [
    `${what}: ${jobs.length} of the jobs (${jobs.slice(0, 5).join(", ")}${jobs.length > 5 ? ", …" : ""})`,
  ];
}

function joulesOf(job: Job): number {
  const total = (values: Iterable<number>) => [...values].reduce((sum, value) => sum + value, 0);
  const own = total(job.own);
  if (own > 0) return own;
  const numbered = total([...job.steps].filter(([step]) => /^\d/.test(step)).map(([, joules]) => joules));
  return Math.max(numbered, job.steps.get("extern") ?? 0, job.steps.get("batch") ?? 0);
}

function joulesIn(text: string, file: string, line: number): number | undefined {
  if (UNKNOWN.has(text)) return undefined;
  const match = /^(-?[\d.]+)([KMGT]?)$/.exec(text);
  const joules = match ? Number(match[1]) * (SUFFIX[match[2]!] ?? 1) : Number.NaN;
  if (joules >= 0) return joules;
  throw new InputError({
    place: { file, line, path: "ConsumedEnergy" },
    found: `"${text}"`,
    expected: "an energy of 0 J or more, such as 1500 or 1.5K",
  });
}

function least(
  a: number | undefined,
  b: number | undefined,
  choose: (a: number, b: number) => number,
): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return choose(a, b);
}
