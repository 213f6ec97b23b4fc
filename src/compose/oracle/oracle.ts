/** The oracle: every string of a recipe's space with several seeds, and some of them again at the check's larger size. */
import { join } from "node:path";
import { RandomStream } from "../../core/index.ts";
import { writeWhole } from "../../lab/index.ts";
import { Space } from "../../search/index.ts";
import type { ComposeRecipe } from "../recipe.ts";
import type { TrialOptions } from "../trials.ts";
import { type MeasuredRun, measure } from "./measure.ts";
import { type OracleTable, runsCsv, TABLE_FILES } from "./table.ts";

const CONTENT: Readonly<Record<keyof OracleTable, string>> = {
  proxy: "every string, trained small and scored by the proxy",
  larger: "some strings, trained as the check trains; the score is held-out loss in nats a token",
};

/**
 * Measures what is not measured yet in `folder`, and writes the table there, also when it is stopped; `command` heads its
 * files. All strings at one seed come before any at the next.
 * @throws InputError where the folder holds the work of another recipe.
 */
export async function measureOracle(
  folder: string,
  { title, primitives, layers, proxy, check, oracle }: ComposeRecipe,
  command: string,
  options: TrialOptions,
): Promise<OracleTable> {
  const { copies, seeds: _, baseline: __, ...larger } = check;
  const write = (part: keyof OracleTable, runs: readonly MeasuredRun[]): readonly MeasuredRun[] => {
    writeWhole(join(folder, TABLE_FILES[part]), runsCsv(runs, `${title}: ${CONTENT[part]}\n${command}`));
    return runs;
  };
  const proxyRuns = await measure(
    join(folder, "proxy"),
    {
      layers: { kind: "string", alphabet: primitives, length: layers },
      seeds: numbered(oracle.seeds),
      protocol: proxy,
    },
    { ...options, progress: relabelled(options, "training small") },
  );
  write("proxy", proxyRuns);
  options.signal?.throwIfAborted();
  const chosen = drawStrings(primitives, layers, oracle.largerStrings);
  const largerRuns = await measure(
    join(folder, "larger"),
    {
      layers: { kind: "choice", values: chosen.map((string) => string.repeat(copies)) },
      seeds: numbered(oracle.largerSeeds),
      protocol: larger,
    },
    { ...options, progress: relabelled(options, "training larger") },
  );
  const named = largerRuns.map((run) => ({ ...run, layers: run.layers.slice(0, layers) }));
  write("larger", named);
  options.signal?.throwIfAborted();
  return { proxy: proxyRuns, larger: named };
}

/**
 * Which strings are trained larger: drawn at random, so that the correlation over them is one over all strings, and
 * without a look at the proxy. A larger count keeps those of a smaller one.
 */
export function drawStrings(primitives: string, layers: number, count: number): string[] {
  const space = new Space({ layers: { kind: "string", alphabet: primitives, length: layers } });
  const stream = new RandomStream(1).split("larger");
  const drawn = new Set<string>();
  while (drawn.size < Math.min(count, space.gridSize)) drawn.add(String(space.sample(stream).layers));
  return [...drawn];
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function relabelled({ progress }: TrialOptions, activity: string): TrialOptions["progress"] {
  return progress && ((event) => progress({ ...event, activity }));
}
