/**
 * What some tests need beyond Node: a browser, a scheduler, measured data beside the repository. Where a part is
 * missing its tests are skipped with the line that would bring it; under TERRARIUM_REQUIRE_ALL=1 they fail instead.
 */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** True where the part is missing and its tests are to be skipped. */
export function missing(what: string, present: boolean, toInstall: string): boolean {
  if (present) return false;
  if (process.env.TERRARIUM_REQUIRE_ALL === "1")
    throw new Error(`${what} is required here. To install: ${toInstall}`);
  console.warn(`skipped: ${what} is missing. To run these tests: ${toInstall}`);
  return true;
}

/** Full path of a program on the PATH, or undefined. */
export function program(name: string): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

export function missingProgram(name: string, debianPackage: string): boolean {
  return missing(`the program ${name}`, program(name) !== undefined, `apt-get install ${debianPackage}`);
}

/** Path of a file of measured data, kept beside the repository and not inside it. */
export function sharedData(path: string): string {
  return fileURLToPath(new URL(`../../shared/data/${path}`, import.meta.url));
}

export function missingData(path: string): boolean {
  return missing(
    `the measured data ${path}`,
    existsSync(sharedData(path)),
    `put it at ../shared/data/${path}`,
  );
}
