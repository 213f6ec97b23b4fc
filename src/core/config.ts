/**
 * Configuration that people write, in YAML or JSON, checked against a zod schema. Every complaint names the line and
 * column of the value it is about, what stands there, what is expected and how to mend it.
 */
import { readFileSync } from "node:fs";
import {
  type Alias,
  type Document,
  isMap,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLParseError,
} from "yaml";
import { z } from "zod";
import { InputError, type Place, type Problem, suggest } from "./errors.ts";

/** A value that was read, with the place of every part of it. */
export interface Config<T> {
  readonly value: T;
  /** Where the value at `path` stands; the nearest parent that is written down where it is a default. */
  placeOf(path: readonly PropertyKey[]): Place;
  /** Does `act` with the value at `path`; what it refuses is told at its place in the file. */
  within<R>(path: readonly PropertyKey[], act: () => R): R;
}

/** Reads a file; throws an `InputError` where it is missing or unreadable. */
export function readText(file: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError({
      place: { file },
      found: code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : `${code}: cannot be read`,
      expected: what,
      remedy: "check the path; it is taken from the folder that the command runs in",
    });
  }
  // Text has no NUL; UTF-16 and every common binary format does within a few bytes.
  if (bytes.includes(0)) {
    throw new InputError({
      place: { file },
      found: "a binary file, or text in UTF-16",
      expected: `${what}, as text in UTF-8`,
      remedy: "check the path, or save the file as UTF-8",
    });
  }
  return bytes.toString("utf8");
}

/** Reads and checks a YAML or JSON file. */
export function readConfig<S extends z.ZodType>(file: string, schema: S, what: string): Config<z.output<S>> {
  return parseConfig(readText(file, what), schema, file);
}

/** Checks YAML or JSON text. `file` is only for the messages. */
export function parseConfig<S extends z.ZodType>(text: string, schema: S, file: string): Config<z.output<S>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return {
          place: { file, line, column: col },
          found: quoteLine(text, line),
          ...explained(error),
        };
      }),
    );
  }
  const dead = deadAliases(document);
  if (dead.length > 0) {
    throw new InputError(
      dead.map((alias) => {
        const { line, col } = lines.linePos(alias.range![0]);
        return {
          place: { file, line, column: col },
          found: `"*${alias.source}"`,
          expected: `an anchor "&${alias.source}" that stands before it and does not hold it`,
          remedy: 'write the value out, or quote text that begins with "*"',
        };
      }),
    );
  }
  const placeOf = (path: readonly PropertyKey[], ofKey = false): Place => {
    const shown = path.map(String).join(".");
    for (let depth = path.length; depth >= 0; depth--) {
      const node = nodeAt(document.contents, path.slice(0, depth), ofKey && depth === path.length);
      if (node?.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return { file, line, column: col, path: shown };
      }
    }
    return { file, path: shown };
  };
  const value: unknown = document.toJS();
  const result = schema.safeParse(value ?? {});
  if (!result.success) {
    throw new InputError(result.error.issues.flatMap((issue) => problemsOf(issue, value, schema, placeOf)));
  }
  const within = <R>(path: readonly PropertyKey[], act: () => R): R => {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(
        error.problems.map((problem) => {
          const inner = problem.place?.path?.split(".") ?? [];
          return { ...problem, place: placeOf([...path, ...inner]) };
        }),
      );
    }
  };
  return { value: result.data, placeOf, within };
}

function nodeAt(contents: unknown, path: readonly PropertyKey[], ofKey: boolean): Node | undefined {
  let node = contents as Node | null;
  for (const [index, key] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) return undefined;
      node = (ofKey && index === path.length - 1 ? pair.key : (pair.value ?? pair.key)) as Node | null;
    } else {
      const items = (node as { items?: Node[] } | null)?.items;
      node = items?.[Number(key)] ?? null;
    }
    if (!node) return undefined;
  }
  return node ?? undefined;
}

type Issue = z.core.$ZodIssue;

function problemsOf(
  issue: Issue,
  root: unknown,
  schema: z.ZodType,
  placeOf: (path: readonly PropertyKey[], ofKey?: boolean) => Place,
): Problem[] {
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({
      place: placeOf([...issue.path, key], true),
      found: `the key "${key}"`,
      expected:
        issue.path.length > 0 ? `a key of ${issue.path.map(String).join(".")}` : "a key that is known here",
      remedy: known.length > 0 ? suggest(key, known) : undefined,
    }));
  }
  const found = issue.path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown>)?.[key],
    root,
  );
  const { message, params } = issue as { message: string; params?: { remedy?: string } };
  return [
    {
      place: placeOf(issue.path),
      found: shown(found),
      expected: expectation(issue, message),
      remedy: params?.remedy ?? remedyFor(issue, found, schema),
    },
  ];
}

function shown(found: unknown): string {
  if (found === undefined || found === null) return "nothing";
  return typeof found === "number" ? String(found) : JSON.stringify(found);
}

/** What zod calls types, as people do. */
const TYPES: Readonly<Record<string, string>> = {
  object: "keys with values",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** A schema's own words where it has any; zod's are put into plain ones. */
function expectation(issue: Issue, message: string): string {
  if (!/^(Invalid input|Too small|Too big)/.test(message)) return message;
  if (issue.code === "invalid_type") return TYPES[issue.expected] ?? issue.expected;
  if (issue.code === "too_small" && issue.origin === "array") return `a list of at least ${issue.minimum}`;
  if (issue.code === "too_small" && issue.origin === "string") return "text that is not empty";
  return message.replace(/^Invalid input: /, "");
}

/** The nearest way from what stands there to what is expected, where the issue alone shows it. */
function remedyFor(issue: Issue, found: unknown, schema: z.ZodType): string | undefined {
  if (issue.code === "invalid_value" && typeof found === "string")
    return suggest(found, issue.values.map(String));
  if (found === null) return "give it a value, or leave the key out";
  if (issue.code === "invalid_type" && issue.expected === "object") {
    const known = keysAt(schema, issue.path);
    return known.length > 0 ? `write "key: value" with keys among: ${known.join(", ")}` : undefined;
  }
  if (issue.code === "invalid_type" && issue.expected === "string" && typeof found === "number")
    return `put it in quotes: "${found}"`;
  return exampleFor(schema, issue.path);
}

/** Aliases whose anchor is missing, or that stand inside what they name. */
function deadAliases(document: Document.Parsed): Alias[] {
  const dead: Alias[] = [];
  visit(document, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(document);
      if (!target || ancestors.includes(target)) dead.push(alias);
    },
  });
  return dead;
}

interface Json {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly items?: Json;
  readonly anyOf?: readonly Json[];
  readonly examples?: readonly unknown[];
}

/** The parts of a schema's JSON Schema from its root to `path`, as far as they are known. */
function partsTo(schema: z.ZodType, path: readonly PropertyKey[]): Json[] {
  const parts = [z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json];
  for (const key of path) {
    const last = parts.at(-1)!;
    const next = [last, ...(last.anyOf ?? [])]
      .map((option) => (typeof key === "number" ? option.items : option.properties?.[String(key)]))
      .find((option) => option !== undefined);
    if (!next) break;
    parts.push(next);
  }
  return parts;
}

/** The keys that the object at `path` may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const part = partsTo(schema, path)[path.length];
  return part ? [part, ...(part.anyOf ?? [])].flatMap((option) => Object.keys(option.properties ?? {})) : [];
}

/** `write it like …` from the schema's examples of what stands at `path`, or of the list that it stands in. */
function exampleFor(schema: z.ZodType, path: readonly PropertyKey[]): string | undefined {
  const parts = partsTo(schema, path);
  const lists = path.findLastIndex((key) => typeof key !== "number") + 1;
  const examples = parts.slice(lists).findLast((part) => part.examples)?.examples;
  return (
    examples &&
    `write it like ${examples.map((example) => (typeof example === "string" ? example : JSON.stringify(example))).join(" or ")}`
  );
}

function quoteLine(text: string, line: number): string {
  const content = (text.split("\n")[line - 1] ?? "").trim();
  return content === "" ? "an empty line" : `"${content.length > 80 ? `${content.slice(0, 80)}…` : content}"`;
}

/** What a YAML error expects and how to mend it; the parser's own words where they are plain enough. */
function explained({ code, message }: YAMLParseError): { expected: string; remedy: string | undefined } {
  const expected = `YAML or JSON (${message.replace(/\s+/g, " ")})`;
  switch (code) {
    case "TAB_AS_INDENT":
      return { expected, remedy: "indent with spaces" };
    case "DUPLICATE_KEY":
      return { expected, remedy: "keep one of the two" };
    case "BAD_INDENT":
    case "MISSING_CHAR":
    case "BAD_SCALAR_START":
      return {
        expected,
        remedy: "close the bracket or quote that was opened before this, or quote the value",
      };
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return {
        expected,
        remedy: 'put one "key: value" on each line, and quote values that contain ": "',
      };
    case "MULTIPLE_DOCS":
      return { expected: "one document", remedy: 'remove the line "---" and what does not belong' };
    default:
      return { expected, remedy: undefined };
  }
}
