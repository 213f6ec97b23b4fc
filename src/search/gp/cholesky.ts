/** Dense symmetric positive definite systems, on row-major `Float64Array`s. */

/**
 * The lower Cholesky factor of the n by n matrix `a` (only its lower half is read), or undefined when `a` is not
 * positive definite.
 */
export function cholesky(a: Float64Array, n: number): Float64Array | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const rowI = i * n;
    for (let j = 0; j <= i; j++) {
      const rowJ = j * n;
      let sum = a[rowI + j]!;
      for (let k = 0; k < j; k++) sum -= l[rowI + k]! * l[rowJ + k]!;
      if (i !== j) l[rowI + j] = sum / l[rowJ + j]!;
      else if (sum > 0) l[rowI + i] = Math.sqrt(sum);
      else return undefined;
    }
  }
  return l;
}

/** The factor of `a` with the least jitter on its diagonal, from `jitter` up by tens, that makes it positive definite. */
export function choleskyWithJitter(a: Float64Array, n: number, jitter: number): Float64Array {
  for (let extra = jitter; extra < 1e3; extra *= 10) {
    const raised = a.slice();
    for (let i = 0; i < n; i++) raised[i * n + i]! += extra;
    const l = cholesky(raised, n);
    if (l) return l;
  }
  throw new Error("choleskyWithJitter: the matrix is not symmetric positive semidefinite");
}

/** x with L x = b. `into` may be `b` itself. */
export function solveLower(
  l: Float64Array,
  n: number,
  b: Float64Array,
  into: Float64Array = new Float64Array(n),
): Float64Array {
  for (let i = 0; i < n; i++) {
    let sum = b[i]!;
    const row = i * n;
    for (let k = 0; k < i; k++) sum -= l[row + k]! * into[k]!;
    into[i] = sum / l[row + i]!;
  }
  return into;
}

/** x with L^T x = b. */
export function solveUpper(l: Float64Array, n: number, b: Float64Array): Float64Array {
  const x = b.slice();
  for (let i = n - 1; i >= 0; i--) {
    const value = x[i]! / l[i * n + i]!;
    x[i] = value;
    for (let k = 0; k < i; k++) x[k]! -= l[i * n + k]! * value;
  }
  return x;
}

/** x with L L^T x = b. */
export function solve(l: Float64Array, n: number, b: Float64Array): Float64Array {
  return solveUpper(l, n, solveLower(l, n, b));
}

/** (L L^T)^-1, both halves. */
export function inverse(l: Float64Array, n: number): Float64Array {
  // Columns of L^-1, kept as rows so that the products below run along memory.
  const columns = new Float64Array(n * n);
  for (let c = 0; c < n; c++) {
    const at = c * n;
    columns[at + c] = 1 / l[c * n + c]!;
    for (let i = c + 1; i < n; i++) {
      let sum = 0;
      for (let k = c; k < i; k++) sum -= l[i * n + k]! * columns[at + k]!;
      columns[at + i] = sum / l[i * n + i]!;
    }
  }
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += columns[i * n + k]! * columns[j * n + k]!;
      out[i * n + j] = sum;
      out[j * n + i] = sum;
    }
  return out;
}

/** Twice the sum of the logarithms of the factor's diagonal: the log-determinant of what it is the factor of. */
export function logDeterminant(l: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(l[i * n + i]!);
  return 2 * sum;
}
