/** The oracle: every string of a recipe's space with several seeds, and some of them again at the check's larger size. */
import { join } from "node:path";
import { writeWhole } from "../../lab/index.ts";
import type { ComposeRecipe } from "../recipe.ts";
import type { TrialOptions } from "../trials.ts";
import { spreadOverOrder } from "./analyse.ts";
import { type MeasuredRun, measure } from "./measure.ts";
import { completeSeeds, type OracleTable, runsCsv, TABLE_FILES } from "./table.ts";

/**
 * Measures what is not measured yet in `folder`, and writes the table there after each part. All strings at one seed come
 * before any at the next, and the larger models come after the first seed's strings are done, spread over their order.
 * @throws InputError where the folder holds the work of another recipe.
 */
export async function measureOracle(
  folder: string,
  { title, primitives, layers, proxy, check, oracle }: ComposeRecipe,
  options: TrialOptions,
): Promise<OracleTable> {
  const { copies, seeds: _, baseline: __, ...larger } = check;
  const write = (part: keyof OracleTable, runs: readonly MeasuredRun[]): readonly MeasuredRun[] => {
    writeWhole(join(folder, TABLE_FILES[part]), runsCsv(runs, `${title}: terrarium compose oracle`));
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
  const chosen = spreadOverOrder(firstComplete(proxyRuns), oracle.largerStrings);
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

/** Which strings are trained larger must not depend on how many seeds are done. */
function firstComplete(runs: readonly MeasuredRun[]): MeasuredRun[] {
  const [first] = completeSeeds(runs);
  return runs.filter(({ seed }) => seed === first);
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function relabelled({ progress }: TrialOptions, activity: string): TrialOptions["progress"] {
  return progress && ((event) => progress({ ...event, activity }));
}
