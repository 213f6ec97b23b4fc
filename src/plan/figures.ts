/** Figures as a plan holds them, and the list of all sources that they name. */
import { type AnyEstimate, formatEstimate, type Source } from "../core/index.ts";
import type { PlanFigure } from "./plan-schema.ts";

/** Gathers sources; figures then name them by their place in the list, `S1` onwards. */
export class SourceList {
  readonly #keys = new Map<string, number>();
  readonly sources: (Source & { readonly key: string })[] = [];

  keyOf(source: Source): string {
    const identity = `${source.id} ${source.where ?? ""}`;
    let index = this.#keys.get(identity);
    if (index === undefined) {
      index = this.sources.length;
      this.#keys.set(identity, index);
      this.sources.push({ key: `S${index + 1}`, ...source });
    }
    return `S${index + 1}`;
  }

  figure(name: string, estimate: AnyEstimate): PlanFigure {
    return {
      name,
      text: formatEstimate(estimate).text,
      ...estimate.summary(),
      sources: estimate.sources.map((source) => this.keyOf(source)),
    };
  }

  figures(estimates: Readonly<Record<string, AnyEstimate>>): PlanFigure[] {
    return Object.entries(estimates).map(([name, estimate]) => this.figure(name, estimate));
  }
}
