/** Work that Ctrl-C stops. */

/** Runs work that Ctrl-C stops at the next safe point; then says how to go on and returns undefined. */
export async function interruptible<T>(
  again: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const stop = new AbortController();
  const interrupt = (): void => {
    process.stderr.write("\nstopping at the next step; what is done is kept\n");
    stop.abort();
  };
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    process.stderr.write(`stopped. To go on: ${again}\n`);
    process.exitCode = 1;
    return undefined;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}
