/**
 * The joint search of CLIP-B/16 and its accelerator, over seeds: how much the hypervolume varies, and how the front
 * compares with the published designs under our own evaluation.
 *
 *   npx tsx bench/codesign/joint-search.ts [trials] [seeds] [estimator]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  clipWorkload,
  codesign,
  costModel,
  evaluate,
  family,
  publishedDesigns,
  requireEstimator,
  scenario,
} from "../../src/codesign/index.ts";

const [trials = "100", seeds = "5", name = "published"] = process.argv.slice(2);
const estimator = requireEstimator(name, "estimator");
const clip = family("clip-b16");
const life = scenario();
const costs = costModel(estimator);
const known = publishedDesigns()
  .filter(({ shape }) => shape.patch === 16)
  .map((published) => ({
    ...published,
    ours: evaluate(clipWorkload(published.shape), published.design, life, costs),
  }));

async function main(): Promise<void> {
  const volumes: number[] = [];
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const folder = mkdtempSync(join(tmpdir(), "codesign-"));
    const started = performance.now();
    const result = await codesign(
      folder,
      {
        family: clip,
        objectives: ["quality", "carbon"],
        scenario: life,
        estimator,
        trials: Number(trials),
        seed,
      },
      { clock: () => performance.now() },
    );
    rmSync(folder, { recursive: true });
    const volume = result.hypervolume.at(-1)!;
    volumes.push(volume);
    const compared = known.map(({ name: published, accuracy, ours }) => {
      const asGood = result.front.filter(({ metrics }) => metrics.quality! >= accuracy);
      const least = Math.min(...asGood.map(({ metrics }) => metrics.carbon!));
      return `${published} ${(100 * (least / ours.carbon - 1)).toFixed(1)} %`;
    });
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    console.log(`seed ${seed}: hypervolume ${volume.toFixed(5)}, front ${result.front.length}, ${seconds} s`);
    console.log(`  carbon of the front's designs of at least the published accuracy: ${compared.join(", ")}`);
  }
  const mean = volumes.reduce((sum, v) => sum + v, 0) / volumes.length;
  const variance = volumes.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (volumes.length - 1);
  const variation = (100 * Math.sqrt(variance)) / mean;
  console.log(
    `hypervolume over ${seeds} seeds: mean ${mean.toFixed(5)}, variation ${variation.toFixed(2)} %`,
  );
}

await main();
