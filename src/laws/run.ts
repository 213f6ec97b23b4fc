/** A finished training run, as every fit takes it. */
import { InputError } from "../core/index.ts";

export interface Run {
  readonly parameters: number;
  readonly tokens: number;
  /** Nats a token. */
  readonly loss: number;
}

/** @throws InputError for fewer runs in a group than the law has unknowns, and for runs that are not positive. */
export function requireRuns(groups: readonly (readonly Run[])[], unknowns: number): void {
  const fewest = Math.min(...groups.map((group) => group.length));
  if (groups.length === 0 || fewest < unknowns) {
    throw new InputError({
      found: `${groups.length === 0 ? 0 : fewest} runs`,
      expected: `at least ${unknowns} runs, one for each unknown of the law`,
      remedy: "add runs at other sizes and token counts",
    });
  }
  for (const run of groups.flat()) {
    if ([run.parameters, run.tokens, run.loss].every((value) => value > 0 && Number.isFinite(value)))
      continue;
    throw new InputError({
      found: JSON.stringify({ parameters: run.parameters, tokens: run.tokens, loss: run.loss }),
      expected: "runs with positive parameters, tokens and loss",
    });
  }
}
