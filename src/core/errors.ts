/**
 * Errors as data. `InputError` is for a mistake in what a person gave us: it says where, what was found, what was
 * expected and how to mend it, and is rendered in one place. Any other error that reaches the top is a bug of ours.
 */

/** A place in a person's input. All parts are optional; what is known is shown as `file:line:column path`. */
export interface Place {
  readonly file?: string | undefined;
  /** 1-based. */
  readonly line?: number | undefined;
  /** 1-based. */
  readonly column?: number | undefined;
  /** Path inside a document (`cluster.count`), a flag (`--seed`), or the name of an argument. */
  readonly path?: string | undefined;
}

export interface Problem {
  readonly place?: Place | undefined;
  /** What stands there now, quoted as the person wrote it. */
  readonly found: string;
  /** The rule that it breaks, with unit and range. */
  readonly expected: string;
  /** What to do next. */
  readonly remedy?: string | undefined;
}

/** A mistake in a person's input. The command line prints it without a stack trace and exits with 2. */
export class InputError extends Error {
  override readonly name = "InputError";
  readonly problems: readonly Problem[];

  constructor(problems: Problem | readonly Problem[]) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem];
    super(list.map(renderProblem).join("\n\n"));
    this.problems = list;
  }
}

/** `file:line:column  path`, with the parts that are known; empty when none is. */
export function renderPlace(place: Place | undefined): string {
  if (!place) return "";
  const position = [place.file, place.line, place.line === undefined ? undefined : place.column]
    .filter((part) => part !== undefined)
    .join(":");
  return [position, place.path].filter((part) => part !== undefined && part !== "").join("  ");
}

/** The one rendering of a problem, used by the command line, the server and the tests. */
export function renderProblem(problem: Problem): string {
  const lines = [
    `  found     ${problem.found}`,
    `  expected  ${problem.expected}`,
    ...(problem.remedy === undefined ? [] : [`  to mend   ${problem.remedy}`]),
  ];
  const place = renderPlace(problem.place);
  return (place === "" ? lines : [place, ...lines]).join("\n");
}

/**
 * The members of `known` that a misspelt `word` most likely means, best first, for "did you mean" remedies.
 * Restricted to an edit distance of two letters in five, so that it stays silent when nothing is near.
 */
export function nearest(word: string, known: readonly string[], most = 3): string[] {
  const limit = Math.max(1, Math.round(0.4 * word.length));
  return known
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** More names than this are not read; the first ones show what they look like. */
const MOST_NAMES = 24;

/** `did you mean "x"?` when something is near, else the list of what is known, or its beginning. */
export function suggest(word: string, known: readonly string[]): string {
  const close = nearest(word, known);
  if (close.length > 0) return `did you mean ${close.map((name) => `"${name}"`).join(" or ")}?`;
  const rest = known.length - MOST_NAMES;
  return `use one of: ${known.slice(0, MOST_NAMES).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
