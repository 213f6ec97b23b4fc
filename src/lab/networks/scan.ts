/**
 * The state-space recurrence of Mamba-2 (SSD; Dao and Gu, arXiv:2405.21060, sections 3 and 6)
 *
 *   S_t = exp(a_t) S_{t-1} + x_t b_t^T        y_t = S_t c_t
 *
 * in the three ways that it can be computed: step by step, as one quadratic form, and in chunks, which are quadratic
 * inside and recurrent between. Heads of one group share b and c.
 */
import {
  add,
  cast,
  causalMask,
  cumulativeSum,
  exp,
  fill,
  matmul,
  multiply,
  pad,
  productOverRows,
  reshape,
  slice,
  stack,
  subtract,
  type Tensor,
  transpose,
} from "../../engine/index.ts";

export interface ScanOperands {
  /** x [batch, time, heads, size], already multiplied by the step size. */
  readonly values: Tensor;
  /** a [batch, time, heads], at most 0. */
  readonly decay: Tensor;
  /** b and c [batch, time, groups, state]. */
  readonly input: Tensor;
  readonly output: Tensor;
  /** S before the first position [batch, heads, size, state]. Absent: zeros. */
  readonly state?: Tensor | undefined;
}

export interface ScanResult {
  /** [batch, time, heads, size]. */
  readonly y: Tensor;
  /** S after the last position [batch, heads, size, state]. */
  readonly state: Tensor;
}

/** Chunks of this many positions were fastest at widths of 64 to 128 on the CPU (`bench/lab`). */
export const CHUNK = 64;

/** One position after the other: what decoding does. */
export function scanRecurrent(operands: ScanOperands): ScanResult {
  const { batch, time, heads, size, groups, states } = sizesOf(operands);
  const { values, decay, input, output } = operands;
  let state = operands.state ?? fill(0, [batch, heads, size, states], values.dataType);
  const at = (t: Tensor, position: number): Tensor => (time === 1 ? t : slice(t, 1, position, position + 1));
  const perGroup = (t: Tensor): Tensor => reshape(t, [batch, groups, 1, states]);
  const rows: Tensor[] = [];
  for (let position = 0; position < time; position++) {
    const kept = multiply(state, exp(reshape(at(decay, position), [batch, heads, 1, 1])));
    const x = reshape(at(values, position), [batch, groups, (heads / groups) * size, 1]);
    const written = multiply(x, perGroup(at(input, position)));
    state = add(kept, reshape(written, [batch, heads, size, states]));
    const read = matmul(
      reshape(state, [batch, groups, (heads / groups) * size, states]),
      perGroup(at(output, position)),
      { transposeSecond: true },
    );
    rows.push(reshape(read, [batch, heads, size]));
  }
  return { y: stack(rows, 1), state };
}

/**
 * In chunks of `chunk` positions. Decays are differences of running sums, masked before the exponential, so that no
 * factor is above 1 (exp(a) exp(-b) would overflow). Time is padded to whole chunks by positions that leave the state
 * as it is (a = 0, x = 0). With one chunk this is the quadratic form.
 */
export function scanChunked(operands: ScanOperands, chunk = CHUNK): ScanResult {
  const { batch, time, heads, size, groups, states } = sizesOf(operands);
  const length = Math.min(chunk, time);
  const chunks = Math.ceil(time / length);
  const dataType = operands.values.dataType;
  const inner = (heads / groups) * size;

  const cut = (t: Tensor): Tensor => {
    const amounts = (at: number): number[] => t.shape.map((_, axis) => (axis === 1 ? at : 0));
    const whole = pad(t, amounts(0), amounts(chunks * length - time));
    return reshape(whole, [batch, chunks, length, ...t.shape.slice(2)]);
  };
  /** [batch, chunks, length, n, rest] -> [batch, chunks, n, length, rest]; nothing moves where n is 1. */
  const inFront = (t: Tensor): Tensor =>
    t.shape[3] === 1 ? reshape(t, [batch, chunks, 1, length, t.shape[4]!]) : transpose(t, [0, 1, 3, 2, 4]);
  const back = (t: Tensor): Tensor =>
    t.shape[2] === 1 ? reshape(t, [batch, chunks, length, 1, t.shape[4]!]) : transpose(t, [0, 1, 3, 2, 4]);

  const values = cut(operands.values);
  const input = inFront(cut(operands.input));
  const output = inFront(cut(operands.output));
  const total = cumulativeSum(transpose(cut(operands.decay), [0, 1, 3, 2]), 3);

  // Within a chunk: (L * C B^T) X. L is a head's own, C B^T its group's.
  const differences = subtract(
    reshape(total, [batch, chunks, heads, length, 1]),
    reshape(total, [batch, chunks, heads, 1, length]),
  );
  const decays = exp(add(differences, cast(causalMask(length, length), dataType)));
  const scores = matmul(output, input, { transposeSecond: true });
  const weights = multiply(
    reshape(decays, [batch, chunks, groups, heads / groups, length, length]),
    reshape(scores, [batch, chunks, groups, 1, length, length]),
  );
  const inside = matmul(reshape(weights, [batch, chunks, heads, length, length]), inFront(values));
  let y = back(inside);

  // Between chunks: what each writes into the state by its end, and what it reads from the state at its start.
  const end = slice(total, 3, length - 1);
  const perPosition = (t: Tensor): Tensor =>
    reshape(transpose(t, [0, 1, 3, 2]), [batch, chunks, length, heads, 1]);
  const byGroup = (t: Tensor): Tensor => reshape(t, [batch, chunks, length, groups, inner]);
  const toEnd = inFront(byGroup(multiply(values, perPosition(exp(subtract(end, total))))));
  const written = productOverRows(toEnd, input);
  const starts: Tensor[] = [];
  let state = operands.state;
  for (let index = 0; index < chunks; index++) {
    const own = (t: Tensor): Tensor => (chunks === 1 ? t : slice(t, 1, index, index + 1));
    const added = reshape(own(written), [batch, heads, size, states]);
    starts.push(state ?? fill(0, [batch, heads, size, states], dataType));
    const kept = state && multiply(state, reshape(exp(own(end)), [batch, heads, 1, 1]));
    state = kept ? add(kept, added) : added;
  }
  if (chunks > 1 || operands.state) {
    const start = reshape(stack(starts, 1), [batch, chunks, groups, inner, states]);
    const carried = reshape(back(matmul(output, start, { transposeSecond: true })), [
      batch,
      chunks,
      length,
      heads,
      size,
    ]);
    y = add(y, multiply(carried, perPosition(exp(total))));
  }
  const whole = reshape(y, [batch, chunks * length, heads, size]);
  return { y: chunks * length === time ? whole : slice(whole, 1, 0, time), state: state! };
}

/** All positions in one quadratic form. */
export function scanQuadratic(operands: ScanOperands): ScanResult {
  return scanChunked(operands, sizesOf(operands).time);
}

function sizesOf({ values, input }: ScanOperands) {
  const [batch, time, heads, size] = values.shape as [number, number, number, number];
  return { batch, time, heads, size, groups: input.shape[2]!, states: input.shape[3]! };
}
