/** Tails of counts. */
import betainc from "@stdlib/math-base-special-betainc";

/** P(X >= count) of a binomial count: the regularised incomplete beta I_p(count, n - count + 1). */
export function binomialUpperTail(n: number, p: number, count: number): number {
  if (count <= 0) return 1;
  return count > n ? 0 : betainc(p, count, n - count + 1);
}
