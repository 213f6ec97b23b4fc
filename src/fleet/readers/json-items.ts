/**
 * The objects of a long JSON array, one at a time: `sacct --json` of a busy month is gigabytes in one array, which
 * `JSON.parse` cannot hold. Only the object being read is in memory.
 */
import { InputError, type Supervision } from "../../core/index.ts";
import { forEachChunk, type LogSource, sourceName } from "./lines.ts";

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const LINE_FEED = 10;

/**
 * Calls `visit` for every object that stands in an array at the top level (`[{...}]`, key "") or directly under it
 * (`{"jobs": [{...}]}`, key "jobs"), with the line on which it starts. Returns the number of lines. Throws an `InputError` where the file ends
 * inside the document or an object cannot be parsed.
 */
export async function forEachJsonItem(
  source: LogSource,
  visit: (item: unknown, line: number, key: string) => void,
  supervision: Supervision = {},
): Promise<number> {
  const file = sourceName(source);
  // The stack of open brackets; an item is an object whose parent is an array at depth 1 or 2.
  const stack: number[] = [];
  let line = 1;
  let inString = false;
  let escaped = false;
  let item: Buffer[] | undefined;
  let itemDepth = 0;
  let itemLine = 1;
  let key = "";
  let lastString: Buffer[] = [];
  let seen = false;
  let ended = false;
  await forEachChunk(
    source,
    (chunk) => {
      let itemStart = item ? 0 : -1;
      let stringStart = inString ? 0 : -1;
      for (let i = 0; i < chunk.length; i++) {
        const c = chunk[i]!;
        if (c === LINE_FEED) line++;
        if (inString) {
          if (escaped) escaped = false;
          else if (c === BACKSLASH) escaped = true;
          else if (c === QUOTE) {
            inString = false;
            if (!item) lastString.push(Buffer.from(chunk.subarray(stringStart, i)));
            stringStart = -1;
          }
          continue;
        }
        if (c === QUOTE) {
          inString = true;
          lastString = [];
          stringStart = i + 1;
        } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
          seen = true;
          const inArray = stack.at(-1) === OPEN_BRACKET;
          if (!item && c === OPEN_BRACKET && stack.length === 1) key = Buffer.concat(lastString).toString();
          if (!item && c === OPEN_BRACE && inArray && stack.length <= 2) {
            item = [];
            itemStart = i;
            itemDepth = stack.length;
            itemLine = line;
          }
          stack.push(c);
        } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) {
          const open = stack.pop();
          if (open !== (c === CLOSE_BRACE ? OPEN_BRACE : OPEN_BRACKET)) {
            throw new InputError({
              place: { file, line },
              found: `"${String.fromCharCode(c)}"`,
              expected: "JSON with brackets that match",
            });
          }
          if (item && stack.length === itemDepth) {
            item.push(chunk.subarray(itemStart, i + 1));
            visit(parseItem(Buffer.concat(item), file, itemLine), itemLine, key);
            item = undefined;
            itemStart = -1;
          }
        }
      }
      ended = chunk.at(-1) === LINE_FEED;
      if (item) item.push(Buffer.from(chunk.subarray(itemStart)));
      else if (inString) lastString.push(Buffer.from(chunk.subarray(stringStart)));
    },
    supervision,
  );
  if (stack.length > 0 || !seen) {
    throw new InputError({
      place: { file, line },
      found: seen ? "the end of the file inside the document" : "no JSON",
      expected: "a whole JSON document",
      remedy: "write the file again: it was cut short",
    });
  }
  return ended ? line - 1 : line;
}

function parseItem(bytes: Buffer, file: string, line: number): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new InputError({
      place: { file, line },
      found: (error as Error).message,
      expected: "a JSON object",
    });
  }
}
