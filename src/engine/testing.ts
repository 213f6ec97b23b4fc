/** For this room's tests: evaluate a function once, and gradients by central finite differences. */

import { RandomStream } from "../core/index.ts";
import { gradients } from "./differentiate.ts";
import { type Elements, float64, int32, type Shape, sizeOf, type Tensor } from "./graph.ts";
import { multiply } from "./operations/elementwise.ts";
import { sum } from "./operations/reduce.ts";
import { Runtime, type Specs, type TensorsOf, type ValuesOf } from "./runtime.ts";

/** Computes in the caller's thread, on one thread. */
export async function evaluate<I extends Specs, O extends string>(
  trace: (inputs: TensorsOf<I>) => Readonly<Record<O, Tensor>>,
  specs: I,
  values: ValuesOf<I>,
): Promise<Readonly<Record<O, Elements>>> {
  await using runtime = new Runtime({ thread: "caller", threads: 1 });
  const program = await runtime.compile("evaluate", (inputs: TensorsOf<I>) => ({ outputs: trace(inputs) }), {
    inputs: specs,
  });
  return await program.run(values);
}

export interface GradientCase {
  /** Differentiable operands in double precision, by shape or with given values. */
  readonly operands: readonly (Shape | { readonly shape: Shape; readonly values: readonly number[] })[];
  /** An int32 operand that is passed last. */
  readonly index?: { readonly shape: Shape; readonly values: readonly number[] };
  readonly apply: (...operands: readonly Tensor[]) => Tensor;
  /** Operands are drawn uniformly from here. Default [-2, 2]. */
  readonly within?: readonly [number, number];
}

/**
 * The largest difference between the gradients of sum(apply(operands) * weights), weights drawn at random, and their
 * central finite differences, relative to the largest gradient. In double precision with a step of 1e-5 the
 * truncation error is about 1e-10, so anything above 1e-7 is a wrong gradient.
 */
export async function gradientError({
  operands,
  index,
  apply,
  within = [-2, 2],
}: GradientCase): Promise<number> {
  const stream = new RandomStream(7);
  const shapes = operands.map((operand) => ("shape" in operand ? operand.shape : operand));
  const values = operands.map((operand, i) =>
    "shape" in operand
      ? Float64Array.from(operand.values)
      : Float64Array.from(
          { length: sizeOf(shapes[i]!) },
          () => within[0] + (within[1] - within[0]) * stream.uniform(),
        ),
  );
  const specs: Record<string, ReturnType<typeof float64>> = {};
  shapes.forEach((shape, i) => {
    specs[`x${i}`] = float64(shape);
  });
  const sample = apply(
    ...shapes.map((shape, i) => placeholder(float64(shape), `p${i}`)),
    ...(index ? [placeholder(int32(index.shape), "p")] : []),
  );
  specs.weights = float64(sample.shape);
  const fixed: Record<string, Elements> = {
    weights: Float64Array.from({ length: sizeOf(sample.shape) }, () => stream.normal()),
  };
  if (index) {
    specs.index = int32(index.shape);
    fixed.index = Int32Array.from(index.values);
  }
  await using runtime = new Runtime({ thread: "caller", threads: 1 });
  const program = await runtime.compile(
    "gradient",
    (inputs: Readonly<Record<string, Tensor>>) => {
      const own = shapes.map((_, i) => inputs[`x${i}`]!);
      const scalar = sum(multiply(apply(...own, ...(index ? [inputs.index!] : [])), inputs.weights!));
      const found = gradients(scalar, own);
      return { outputs: { scalar, ...Object.fromEntries(found.map((g, i) => [`g${i}`, g])) } };
    },
    { inputs: specs },
  );
  const at = async (xs: readonly Float64Array[]): Promise<Readonly<Record<string, Elements>>> =>
    await program.run({ ...fixed, ...Object.fromEntries(xs.map((x, i) => [`x${i}`, x])) });
  const analytic = await at(values);
  const step = 1e-5;
  let worst = 0;
  let largest = 1e-3;
  for (const [i, x] of values.entries()) {
    for (let j = 0; j < x.length; j++) {
      const moved = (by: number): Float64Array[] =>
        values.map((v, k) => (k === i ? v.map((n, l) => (l === j ? n + by : n)) : v));
      const [above, below] = [await at(moved(step)), await at(moved(-step))];
      const numeric = (above.scalar![0]! - below.scalar![0]!) / (2 * step);
      const exact = analytic[`g${i}`]![j]!;
      worst = Math.max(worst, Math.abs(numeric - exact));
      largest = Math.max(largest, Math.abs(exact));
    }
  }
  return worst / largest;
}

function placeholder(spec: ReturnType<typeof float64>, name: string): Tensor {
  return { ...spec, operation: "input", inputs: [], attributes: { name } };
}
