/**
 * The taxonomy of failures: each symptom leaves some domains possible, and every further symptom takes some away. What
 * is reported is what is left, never one guess. Tables: `data/taxonomy.csv` and `data/xid.csv`.
 *
 * Source: arXiv:2410.21680, Table I.
 */
import { dataFile, readCsv } from "../core/index.ts";

export const DOMAINS = ["user program", "system software", "hardware"] as const;
export type Domain = (typeof DOMAINS)[number];

export interface Symptom {
  readonly name: string;
  readonly domains: readonly Domain[];
  readonly causes: string;
  /** Severe: the node is taken out and its jobs are rescheduled at once. */
  readonly critical: boolean;
  /** How node events and health checks name it. */
  readonly pattern: RegExp | undefined;
  /** Exit codes that tell of it; a signal is 128 and its number. */
  readonly exits: readonly number[];
}

export interface Xid {
  readonly code: number;
  readonly meaning: string;
  readonly critical: boolean;
  readonly symptom: string;
  readonly domains: readonly Domain[];
  readonly action: string;
}

let symptoms: ReadonlyMap<string, Symptom> | undefined;
let xids: ReadonlyMap<number, Xid> | undefined;

/** All symptoms by name, in the order in which their patterns are tried. */
export function taxonomy(): ReadonlyMap<string, Symptom> {
  symptoms ??= new Map(
    readCsv(dataFile("taxonomy.csv")).map(({ row }) => [
      row.symptom!,
      {
        name: row.symptom!,
        domains: domains(row.domains!),
        causes: row.causes!,
        critical: row.critical === "yes",
        pattern: row.pattern ? new RegExp(row.pattern, "i") : undefined,
        exits: (row.exit ?? "").split(" ").filter(Boolean).map(Number),
      },
    ]),
  );
  return symptoms;
}

/** NVIDIA's driver errors by number. */
export function xidTable(): ReadonlyMap<number, Xid> {
  xids ??= new Map(
    readCsv(dataFile("xid.csv")).map(({ row }) => [
      Number(row.xid),
      {
        code: Number(row.xid),
        meaning: row.meaning!,
        critical: row.critical === "yes",
        symptom: row.symptom!,
        domains: domains(row.domains!),
        action: row.action!,
      },
    ]),
  );
  return xids;
}

/** An error number that the table does not have is taken as critical, and says nothing of its domain. */
export function xid(code: number): Xid {
  return (
    xidTable().get(code) ?? {
      code,
      meaning: "not in the table",
      critical: true,
      symptom: "GPU driver or firmware error",
      domains: DOMAINS,
      action: "see NVIDIA's catalogue",
    }
  );
}

/** `XID79`, `Xid 79`, `xid=79` inside a reason. */
const XID_MENTION = /\bxid[ _:=-]*(\d{1,3})\b/i;

/** The symptom that a free text (a drain reason, a health check's name) tells of, and the XID if it names one. */
export function symptomOf(text: string): { symptom: Symptom; xid: Xid | undefined } | undefined {
  const mention = XID_MENTION.exec(text);
  if (mention) {
    const known = xid(Number(mention[1]));
    return { symptom: taxonomy().get(known.symptom)!, xid: known };
  }
  for (const symptom of taxonomy().values()) {
    if (symptom.pattern?.test(text)) return { symptom, xid: undefined };
  }
  return undefined;
}

/** The symptom that a failed job's exit status is; any status that tells nothing is `Job failed`. */
export function symptomOfExit(exitCode: number, signal: number): Symptom {
  const code = signal > 0 ? 128 + signal : exitCode;
  for (const symptom of taxonomy().values()) if (symptom.exits.includes(code)) return symptom;
  return taxonomy().get("Job failed")!;
}

/** The domains that every one of the sets allows; empty where they contradict each other. */
export function intersectDomains(sets: Iterable<readonly Domain[]>): Domain[] {
  let left: Domain[] = [...DOMAINS];
  for (const set of sets) left = left.filter((domain) => set.includes(domain));
  return left;
}

function domains(text: string): Domain[] {
  return text.split(";").map((part) => {
    const domain = DOMAINS.find((known) => known === part.trim());
    if (!domain) throw new Error(`"${part}" is no domain of failures`);
    return domain;
  });
}
