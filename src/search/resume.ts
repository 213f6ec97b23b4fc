/**
 * Goes on with a study by running again the command that worked on it last. The kernel cannot do it alone: the
 * evaluator and the operators are a domain's, and only the command that made the study knows which.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { InputError } from "../core/index.ts";
import type { StudyCommand, StudySpec } from "./spec.ts";

/**
 * Says the command of the study in `folder`, then runs it in this process's terminal; returns its exit code. Throws an `InputError`
 * when the study does not name one, or when it would not find the study where it now lies.
 */
export async function resumeStudy(
  folder: string,
  spec: StudySpec,
  say: (commandLine: string) => void,
): Promise<number> {
  const command = commandFor(folder, spec);
  const { line, from } = command;
  say(shellLine(command));
  const child = spawn(line[0]!, line.slice(1), { cwd: from, stdio: "inherit" });
  // Ctrl-C reaches the command too, which stops at a safe point: this process waits for it.
  const wait = () => {};
  const pass = () => child.kill("SIGTERM");
  process.on("SIGINT", wait);
  process.on("SIGTERM", pass);
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? 1;
  } finally {
    process.off("SIGINT", wait);
    process.off("SIGTERM", pass);
  }
}

/** The command that goes on with a study, once it is sure that it can be run. */
export function commandFor(folder: string, { command }: StudySpec): StudyCommand {
  const refuse = (found: string, expected: string, remedy: string) =>
    new InputError({ place: { file: folder }, found, expected, remedy });
  if (!command)
    throw refuse(
      "a study that does not say which command made it",
      "one that was made by this version",
      "run the command that made it again; it goes on from where it was",
    );
  if (resolve(folder) !== command.study)
    throw refuse(
      `a study that was made in ${command.study}`,
      "the study where its command looks for it",
      `move it back, or run its command for the new place: ${shellLine(command)}`,
    );
  const missing = [command.from, command.line[0]!].find((path) => path.startsWith("/") && !existsSync(path));
  if (missing !== undefined)
    throw refuse(
      `a study whose command needs ${missing}, which is gone`,
      "what the command was run with",
      `run it again in another way: ${shellLine(command)}`,
    );
  return command;
}

/** As one would type it. */
export function shellLine({ line, from }: StudyCommand): string {
  const quote = (word: string) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return `cd ${quote(from)} && ${line.map(quote).join(" ")}`;
}
