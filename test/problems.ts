/** What bad input is told. */
import { InputError, type Problem } from "../src/core/index.ts";

/** The first problem of the `InputError` that `act` ends with; throws where it ends well or with another error. */
export async function problemOf(act: () => unknown): Promise<Problem> {
  try {
    await act();
  } catch (error) {
    if (error instanceof InputError) return error.problems[0]!;
    throw error;
  }
  throw new Error("it was accepted");
}
