/** Scores of a network's answers, and of how fast it came to them. */
import { type Batch, IGNORED } from "../batch.ts";

/** Counts right and wrong answers over any number of batches. */
export class AccuracyTally {
  readonly #right: Float64Array;
  readonly #wanted: Float64Array;
  readonly #predicted: Float64Array;
  #rows = 0;
  #rightRows = 0;

  constructor(vocabularySize: number) {
    this.#right = new Float64Array(vocabularySize);
    this.#wanted = new Float64Array(vocabularySize);
    this.#predicted = new Float64Array(vocabularySize);
  }

  /** `predictions`: the token with the highest score at each position, in the shape of the batch. */
  add(predictions: Int32Array, batch: Pick<Batch, "targets" | "shape">): void {
    const [rows, length] = batch.shape;
    if (predictions.length !== batch.targets.length) {
      throw new RangeError(`${predictions.length} predictions for ${batch.targets.length} targets`);
    }
    for (let row = 0; row < rows; row++) {
      let scored = 0;
      let right = 0;
      for (let at = row * length; at < (row + 1) * length; at++) {
        const wanted = batch.targets[at]!;
        if (wanted === IGNORED) continue;
        const predicted = predictions[at]!;
        scored++;
        this.#wanted[wanted]! += 1;
        this.#predicted[predicted]! += 1;
        if (predicted === wanted) {
          right++;
          this.#right[wanted]! += 1;
        }
      }
      if (scored === 0) continue;
      this.#rows++;
      if (right === scored) this.#rightRows++;
    }
  }

  /** The share of scored tokens that are right; NaN before the first. */
  get tokens(): number {
    return total(this.#right) / total(this.#wanted);
  }

  /**
   * MAD's accuracy: recall averaged over classes, as torchmetrics' MulticlassAccuracy does by default. A class that
   * was neither wanted nor predicted is left out; one that was only predicted counts as 0.
   */
  get macro(): number {
    let sum = 0;
    let classes = 0;
    for (let token = 0; token < this.#wanted.length; token++) {
      if (this.#wanted[token]! + this.#predicted[token]! === 0) continue;
      classes++;
      if (this.#wanted[token]! > 0) sum += this.#right[token]! / this.#wanted[token]!;
    }
    return sum / classes;
  }

  /**
   * The share of rows whose scored tokens are all right. For a value at the end of a row this is what greedy decoding
   * would write: it can only differ from teacher forcing after a token that is wrong already.
   */
  get rows(): number {
    return this.#rightRows / this.#rows;
  }
}

function total(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Accuracy measured now and then during training, in order of steps. */
export type AccuracyCurve = readonly { readonly step: number; readonly accuracy: number }[];

/** `reached` false: accuracy stayed below until `steps`, where the run ended; the true number is larger, unknown. */
export interface StepsToAccuracy {
  readonly steps: number;
  readonly reached: boolean;
}

/** The first measured step with at least this accuracy, censored at the end of the run. Throws on an empty curve. */
export function stepsToAccuracy(curve: AccuracyCurve, accuracy = 0.95): StepsToAccuracy {
  const last = curve.at(-1);
  if (!last) throw new RangeError("stepsToAccuracy: the curve is empty");
  const first = curve.find((point) => point.accuracy >= accuracy);
  return first ? { steps: first.step, reached: true } : { steps: last.step, reached: false };
}

/**
 * Mean accuracy over training up to `steps`, by trapezoids: it ranks runs of one length although some never reach
 * the mark. Accuracy is taken to stay what it was last where a run stopped before, and to be 0 at step 0.
 */
export function areaUnderAccuracyCurve(curve: AccuracyCurve, steps: number): number {
  let area = 0;
  let from = { step: 0, accuracy: 0 };
  for (const point of [...curve, { step: steps, accuracy: curve.at(-1)?.accuracy ?? 0 }]) {
    if (point.step > steps) break;
    area += ((from.accuracy + point.accuracy) / 2) * (point.step - from.step);
    from = point;
  }
  return area / steps;
}
