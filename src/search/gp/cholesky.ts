/**
 * Dense symmetric positive definite systems, on row-major `Float64Array`s. The inner loops carry four sums at once,
 * because a processor that adds into one sum waits for each addition; every sum keeps its own order, so that the
 * results are those of the plain loops to the last bit.
 */

/**
 * The lower Cholesky factor of the n by n matrix `a` (only its lower half is read), or undefined when `a` is not
 * positive definite.
 */
export function cholesky(a: Float64Array, n: number): Float64Array | undefined {
  const l = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = l.subarray(i * n, i * n + i + 1);
    forward(l, n, i, a.subarray(i * n), row);
    let sum = a[i * n + i]!;
    for (let k = 0; k < i; k++) sum -= row[k]! * row[k]!;
    if (!(sum > 0)) return undefined;
    row[i] = Math.sqrt(sum);
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
  forward(l, n, n, b, into);
  return into;
}

/** The first `rows` of x with L x = b, where a row of L begins every `stride` numbers. */
function forward(l: Float64Array, stride: number, rows: number, b: Float64Array, x: Float64Array): void {
  let i = 0;
  for (; i + 4 <= rows; i += 4) {
    const row0 = i * stride;
    const row1 = row0 + stride;
    const row2 = row1 + stride;
    const row3 = row2 + stride;
    let sum0 = b[i]!;
    let sum1 = b[i + 1]!;
    let sum2 = b[i + 2]!;
    let sum3 = b[i + 3]!;
    for (let k = 0; k < i; k++) {
      const value = x[k]!;
      sum0 -= l[row0 + k]! * value;
      sum1 -= l[row1 + k]! * value;
      sum2 -= l[row2 + k]! * value;
      sum3 -= l[row3 + k]! * value;
    }
    sum0 /= l[row0 + i]!;
    sum1 = (sum1 - l[row1 + i]! * sum0) / l[row1 + i + 1]!;
    sum2 = (sum2 - l[row2 + i]! * sum0 - l[row2 + i + 1]! * sum1) / l[row2 + i + 2]!;
    sum3 = sum3 - l[row3 + i]! * sum0 - l[row3 + i + 1]! * sum1 - l[row3 + i + 2]! * sum2;
    x[i] = sum0;
    x[i + 1] = sum1;
    x[i + 2] = sum2;
    x[i + 3] = sum3 / l[row3 + i + 3]!;
  }
  for (; i < rows; i++) {
    let sum = b[i]!;
    const row = i * stride;
    for (let k = 0; k < i; k++) sum -= l[row + k]! * x[k]!;
    x[i] = sum / l[row + i]!;
  }
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
  const unit = new Float64Array(n);
  unit[0] = 1;
  for (let c = 0; c < n; c++) {
    const corner = c * n + c;
    forward(l.subarray(corner), n, n - c, unit, columns.subarray(corner));
  }
  return rowProducts(columns, n, n, (i) => i);
}

/**
 * The products of each two of `m` rows of `n` numbers, m by m. `from(i)` is a place before which row i holds only
 * zeros.
 */
export function rowProducts(
  rows: Float64Array,
  m: number,
  n: number,
  from: (row: number) => number = () => 0,
): Float64Array {
  const out = new Float64Array(m * m);
  for (let i = 0; i < m; i++) {
    multiply(rows, i + 1, n, rows.subarray(i * n, (i + 1) * n), out.subarray(i * m), from(i));
    for (let j = 0; j < i; j++) out[j * m + i] = out[i * m + j]!;
  }
  return out;
}

/** Into `into`, the products with `x` of `m` rows of `n` numbers, of which those before `first` do not count. */
export function multiply(
  rows: Float64Array,
  m: number,
  n: number,
  x: Float64Array,
  into: Float64Array,
  first = 0,
): void {
  let i = 0;
  for (; i + 4 <= m; i += 4) {
    const row0 = i * n;
    const row1 = row0 + n;
    const row2 = row1 + n;
    const row3 = row2 + n;
    let sum0 = 0;
    let sum1 = 0;
    let sum2 = 0;
    let sum3 = 0;
    for (let k = first; k < n; k++) {
      const value = x[k]!;
      sum0 += value * rows[row0 + k]!;
      sum1 += value * rows[row1 + k]!;
      sum2 += value * rows[row2 + k]!;
      sum3 += value * rows[row3 + k]!;
    }
    into[i] = sum0;
    into[i + 1] = sum1;
    into[i + 2] = sum2;
    into[i + 3] = sum3;
  }
  for (; i < m; i++) {
    let sum = 0;
    for (let k = first; k < n; k++) sum += x[k]! * rows[i * n + k]!;
    into[i] = sum;
  }
}

/** Twice the sum of the logarithms of the factor's diagonal: the log-determinant of what it is the factor of. */
export function logDeterminant(l: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.log(l[i * n + i]!);
  return 2 * sum;
}
