/**
 * The Sobol sequence with the direction numbers of Joe and Kuo (2008), made different for each seed by a random
 * left-to-right (Matousek's linear) scramble and a digital shift, which keep its uniformity.
 */
import { dataFile, type RandomStream, readCsv } from "../core/index.ts";

const BITS = 32;

/** Direction numbers, `BITS` words a dimension; the first dimension is van der Corput's sequence. */
let published: Uint32Array[] | undefined;

function directions(): Uint32Array[] {
  published ??= [
    Uint32Array.from({ length: BITS }, (_, i) => 2 ** (BITS - 1 - i)),
    ...readCsv(dataFile("sobol-directions.csv")).map(({ row }) => {
      const degree = Number(row.degree);
      const polynomial = Number(row.polynomial);
      const initial = row.initial!.split(" ").map(Number);
      const v = new Uint32Array(BITS);
      for (let i = 0; i < BITS; i++) {
        if (i < degree) v[i] = initial[i]! * 2 ** (BITS - 1 - i);
        else {
          let word = v[i - degree]! ^ (v[i - degree]! >>> degree);
          for (let k = 1; k < degree; k++) if ((polynomial >> (degree - 1 - k)) & 1) word ^= v[i - k]!;
          v[i] = word >>> 0;
        }
      }
      return v;
    }),
  ];
  return published;
}

/** The most dimensions that the direction numbers cover. */
export function sobolDimensions(): number {
  return directions().length;
}

export class SobolSequence {
  readonly #directions: readonly Uint32Array[];
  readonly #shift: Uint32Array;

  /** Unscrambled without `random`. Throws a `RangeError` beyond `sobolDimensions()`. */
  constructor(dimensions: number, random?: RandomStream) {
    const all = directions();
    if (dimensions > all.length)
      throw new RangeError(`the Sobol sequence has ${all.length} dimensions, not ${dimensions}`);
    this.#directions = all.slice(0, dimensions).map((words) => (random ? scramble(words, random) : words));
    this.#shift = Uint32Array.from({ length: dimensions }, () => (random ? word(random) : 0));
  }

  /** Point `index`, from 0. Its numbers are multiples of 2^-32 in [0, 1), half a step added where scrambled. */
  point(index: number): Float64Array {
    const gray = (index ^ (index >>> 1)) >>> 0;
    return Float64Array.from(this.#directions, (words, d) => {
      let x = this.#shift[d]!;
      for (let bit = 0, rest = gray; rest !== 0; bit++, rest >>>= 1) if (rest & 1) x ^= words[bit]!;
      return (x >>> 0) / 2 ** BITS;
    });
  }
}

/** Multiplies the bits of each word by one random lower-triangular matrix with a unit diagonal. */
function scramble(words: Uint32Array, random: RandomStream): Uint32Array {
  const rows = Array.from({ length: BITS }, (_, row) => {
    const diagonal = 2 ** (BITS - 1 - row);
    const above = row === 0 ? 0 : ((0xffffffff << (BITS - row)) >>> 0) & word(random);
    return (above | diagonal) >>> 0;
  });
  return words.map((value) => {
    let out = 0;
    for (let row = 0; row < BITS; row++)
      if (parity(rows[row]! & value)) out = (out | (1 << (BITS - 1 - row))) >>> 0;
    return out;
  });
}

function word(random: RandomStream): number {
  return Math.floor(random.uniform() * 2 ** BITS);
}

function parity(value: number): number {
  let x = value;
  x ^= x >>> 16;
  x ^= x >>> 8;
  x ^= x >>> 4;
  return (0x6996 >>> (x & 15)) & 1;
}
