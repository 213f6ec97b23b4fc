/** Questions that are asked by flags instead of a file: how they are checked, and how their mistakes are named. */
import type { z } from "zod";
import { InputError, type Place } from "../core/index.ts";

/** What numbers behind flags are said to come from. */
export const FLAGS = "command line";

export function flagPlace(path: readonly PropertyKey[]): Place {
  const name = String(path.at(-1) ?? "");
  return { path: `--${name === "kind" ? "accelerator" : name}` };
}

/** Input that a schema holds for good. Throws an `InputError` that names each flag at fault. */
export function checked<S extends z.ZodType>(schema: S, input: z.input<S>): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new InputError(
    result.error.issues.map((issue) => {
      const value = issue.path.reduce<unknown>(
        (part, key) => (part as Record<PropertyKey, unknown>)?.[key],
        input,
      );
      return {
        place: flagPlace(issue.path),
        found: value === undefined ? "nothing" : JSON.stringify(value),
        expected: issue.message.replace(/^Invalid (input|option): expected /, ""),
      };
    }),
  );
}
