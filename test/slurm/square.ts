/** The evaluator of the Slurm test: slow enough to be interrupted. */
export default async function square({ n }: { n: number }): Promise<{ square: number }> {
  await new Promise((go) => setTimeout(go, 2000));
  return { square: n ** 2 };
}
