/**
 * The MAD benchmark (Poli et al., "Mechanistic Design and Scaling of Hybrid Architectures", arXiv:2403.17844): six
 * tasks, each at a baseline and with one setting changed at a time, and the score over all of them.
 */
import { dataFile, readCsv } from "../../core/index.ts";
import { type CompressionSettings, compression } from "./compression.ts";
import { type FuzzyInContextRecallSettings, fuzzyInContextRecall } from "./fuzzy-in-context-recall.ts";
import {
  type InContextRecallSettings,
  inContextRecall,
  type NoisyInContextRecallSettings,
  noisyInContextRecall,
} from "./in-context-recall.ts";
import { type MemorizationSettings, memorization } from "./memorization.ts";
import { type SelectiveCopyingSettings, selectiveCopying } from "./selective-copying.ts";
import type { Task } from "./task.ts";

export interface MadSettings {
  "in-context-recall": InContextRecallSettings;
  "noisy-in-context-recall": NoisyInContextRecallSettings;
  "fuzzy-in-context-recall": FuzzyInContextRecallSettings;
  memorization: MemorizationSettings;
  compression: CompressionSettings;
  "selective-copying": SelectiveCopyingSettings;
}
export type MadTaskName = keyof MadSettings;

const BUILDERS: { [N in MadTaskName]: (settings: MadSettings[N]) => Task } = {
  "in-context-recall": inContextRecall,
  "noisy-in-context-recall": noisyInContextRecall,
  "fuzzy-in-context-recall": fuzzyInContextRecall,
  memorization,
  compression,
  "selective-copying": selectiveCopying,
};
export const MAD_TASKS = Object.keys(BUILDERS) as readonly MadTaskName[];

/** The published baseline of a MAD task. */
export function madBaseline<N extends MadTaskName>(name: N): MadSettings[N] {
  const { trainSequences: _, ...baseline } = table().baseline(name);
  return baseline as unknown as MadSettings[N];
}

/** A MAD task at its published baseline, with `changes`. */
export function madTask<N extends MadTaskName>(name: N, changes: Partial<MadSettings[N]> = {}): Task {
  return BUILDERS[name]({ ...madBaseline(name), ...changes });
}

/** One of the 66 settings at which the benchmark trains and tests. */
export interface MadCase {
  readonly task: MadTaskName;
  /** `baseline`, or the one setting that differs from it: `vocabularySize=32`. */
  readonly setting: string;
  /** Sequences in the fixed training set, which is gone through `epochs` times. */
  readonly trainSequences: number;
  build(): Task;
}

/** All settings of one task, or of all six: the baseline, and every published change of one setting. */
export function madCases(tasks: readonly MadTaskName[] = MAD_TASKS): MadCase[] {
  return tasks.flatMap((task) => {
    const asCase = (setting: string, change: Readonly<Record<string, number>>): MadCase => {
      const { trainSequences, ...changes } = { ...table().baseline(task), ...change };
      return {
        task,
        setting,
        trainSequences: trainSequences!,
        build: () => madTask(task, changes as Partial<MadSettings[typeof task]>),
      };
    };
    return [
      asCase("baseline", {}),
      ...table()
        .changes(task)
        .map(({ figure, value }) => asCase(`${figure}=${value}`, { [figure]: value })),
    ];
  });
}

/** How MAD trains: AdamW with a constant learning rate, all values of the two lists tried and the best one kept. */
export interface MadProtocol {
  readonly testSequences: number;
  readonly batchSequences: number;
  readonly epochs: number;
  readonly width: number;
  readonly earlyStopAccuracy: number;
  readonly learningRates: readonly number[];
  readonly weightDecays: readonly number[];
}

export function madProtocol(): MadProtocol {
  const fixed = table().baseline("protocol") as unknown as Omit<
    MadProtocol,
    "learningRates" | "weightDecays"
  >;
  const tried = (figure: string): number[] =>
    table()
      .changes("protocol")
      .filter((row) => row.figure === figure)
      .map((row) => row.value);
  return { ...fixed, learningRates: tried("learningRate"), weightDecays: tried("weightDecay") };
}

export interface MadResult {
  readonly task: string;
  readonly setting: string;
  /** Test accuracy of one run: one learning rate and weight decay, one seed. */
  readonly accuracy: number;
}

/**
 * MAD's score: the best run of each setting, averaged over the settings of a task, averaged over tasks. Several seeds
 * have to be scored one by one, since the best over seeds is not MAD's.
 */
export function madScore(results: readonly MadResult[]): { overall: number; tasks: Map<string, number> } {
  const best = new Map<string, Map<string, number>>();
  for (const { task, setting, accuracy } of results) {
    const settings = best.get(task) ?? new Map<string, number>();
    best.set(task, settings.set(setting, Math.max(accuracy, settings.get(setting) ?? 0)));
  }
  const mean = (values: Iterable<number>): number => {
    const list = [...values];
    return list.reduce((sum, value) => sum + value, 0) / list.length;
  };
  const tasks = new Map([...best].map(([task, settings]) => [task, mean(settings.values())]));
  return { overall: mean(tasks.values()), tasks };
}

interface SettingRow {
  readonly subject: string;
  readonly figure: string;
  readonly value: number;
  readonly role: string;
}

let rows: readonly SettingRow[] | undefined;

function table() {
  rows ??= readCsv(dataFile("mad-settings.csv")).map(({ row }) => ({
    subject: row.subject!,
    figure: row.figure!,
    value: Number(row.value),
    role: row.role!,
  }));
  const of = (subject: string, role: string) =>
    rows!.filter((row) => row.subject === subject && row.role === role);
  return {
    baseline: (subject: string): Record<string, number> =>
      Object.fromEntries(of(subject, "baseline").map(({ figure, value }) => [figure, value])),
    changes: (subject: string) => of(subject, "change"),
  };
}
