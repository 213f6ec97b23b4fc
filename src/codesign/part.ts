/** A found accelerator as a file that a brief can name: what its serving decision needs of it. */
import { serverLifetime } from "../carbon/index.ts";
import { Sampler } from "../core/index.ts";
import { designEvidence, designFigure, designMemory, type Part, printDesign } from "../hardware/index.ts";
import type { SideBySide, Trade } from "./compare.ts";
import { designOf } from "./search.ts";

/** `accelerator-carbon.json` and its like, as text. */
export function partFiles(content: SideBySide): Record<string, string> {
  return Object.fromEntries(
    Object.entries(foundParts(content)).map(([sought, part]) => [
      `accelerator-${sought}.json`,
      `${JSON.stringify(part, null, 2)}\n`,
    ]),
  );
}

/** The best in each thing that was sought beside quality, over all studies, by the name of what was sought. */
export function foundParts({ studies, trades }: SideBySide): Record<string, Part> {
  const best = new Map<string, Trade>();
  for (const trade of trades) {
    const { sought } = trade;
    const known = best.get(sought)?.best.metrics[sought] ?? Number.POSITIVE_INFINITY;
    if (trade.best.metrics[sought]! < known) best.set(sought, trade);
  }
  const hours = serverLifetime(new Sampler(0)).value("h");
  const squareCentimetre = designFigure("die", "cost");
  return Object.fromEntries(
    [...best.values()].map(({ study, sought, best: { trial, candidate, metrics } }) => {
      const { family, estimator, inferences, costPerJoule } = studies.find(({ title }) => title === study)!;
      const design = printDesign(designOf(candidate));
      const memory = designMemory(metrics.parameters!);
      // What it draws at the work that it was designed for.
      const watts = (metrics.energy! * 3.6e6) / inferences / metrics.latency!;
      const die = (metrics.area! / 100) * squareCentimetre;
      return [
        sought,
        {
          format: 1,
          name: `co-designed ${design}`,
          int8OperationsPerSecond: metrics.throughput! * 1e12,
          memoryBytes: memory.bytes,
          memoryBytesPerSecond: memory.bytesPerSecond,
          powerWatts: watts,
          usdPerHour: die / hours + watts * 3600 * costPerJoule,
          year: designEvidence("clock", "frequency").sources[0]!.year!,
          source: `trial ${trial} of the co-design of ${family} by ${study}, modelled as "${estimator}", never built; its price is die and electricity alone`,
        } satisfies Part,
      ];
    }),
  );
}
