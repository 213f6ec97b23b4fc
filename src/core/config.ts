/**
 * Configuration that people write, in YAML or JSON, checked against a zod schema. Every complaint names the line and
 * column of the value it is about, what stands there, what is expected and how to mend it.
 */
import { readFileSync } from "node:fs";
import { isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import { InputError, type Place, type Problem, suggest } from "./errors.ts";

/** A value that was read, with the place of every part of it. */
export interface Config<T> {
  readonly value: T;
  /** Where the value at `path` stands; the nearest parent that is written down where it is a default. */
  placeOf(path: readonly PropertyKey[]): Place;
}

/** Reads a file; throws an `InputError` where it is missing or unreadable. */
export function readText(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new InputError({
      place: { file },
      found: code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : `${code}: cannot be read`,
      expected: what,
      remedy: "check the path; it is taken from the folder that the command runs in",
    });
  }
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
          expected: `YAML or JSON (${error.message.replace(/\s+/g, " ")})`,
          remedy: remedyOf(error.code),
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
  return { value: result.data, placeOf };
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
      found: found === undefined ? "nothing" : JSON.stringify(found),
      expected: message.replace(/^Invalid input: expected /, ""),
      remedy: params?.remedy,
    },
  ];
}

/** The keys that the object at `path` of a schema may have, read from its JSON Schema. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  type Json = { properties?: Record<string, Json>; items?: Json; anyOf?: Json[] };
  let json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Json;
  for (const key of path) {
    const options = [json, ...(json.anyOf ?? [])];
    const next = options
      .map((o) => (typeof key === "number" ? o.items : o.properties?.[String(key)]))
      .find(Boolean);
    if (!next) return [];
    json = next;
  }
  return [json, ...(json.anyOf ?? [])].flatMap((option) => Object.keys(option.properties ?? {}));
}

function quoteLine(text: string, line: number): string {
  const content = (text.split("\n")[line - 1] ?? "").trim();
  return content === "" ? "an empty line" : `"${content.length > 80 ? `${content.slice(0, 80)}…` : content}"`;
}

function remedyOf(code: string): string | undefined {
  switch (code) {
    case "TAB_AS_INDENT":
      return "indent with spaces";
    case "DUPLICATE_KEY":
      return "keep one of the two";
    case "MISSING_CHAR":
    case "BAD_SCALAR_START":
      return "close the bracket or the quote, or quote the value";
    case "BLOCK_AS_IMPLICIT_KEY":
    case "MULTILINE_IMPLICIT_KEY":
      return 'put one "key: value" on each line, and quote values that contain ": "';
    default:
      return undefined;
  }
}
