/**
 * The published models of `data/architectures.csv`, by name: one row a model with its source. A column is named
 * after the setting that it fills (`hybrid.attention.kvHeads`); an empty cell leaves the default.
 */

import { dataFile, InputError, readCsv, type Source, source, suggest } from "../core/index.ts";
import { type Architecture, type ArchitectureSettings, architecture } from "./architecture.ts";

export interface Preset {
  readonly name: string;
  readonly source: Source;
  /** What of it is ours or uncertain; empty when all is published. */
  readonly note: string;
  readonly architecture: Architecture;
}

const NOT_SETTINGS = new Set(["layers", "width", "source", "where", "note"]);

let loaded: ReadonlyMap<string, Preset> | undefined;

/** All published models, in the order of the table. Read once, at first use. */
export function presets(): ReadonlyMap<string, Preset> {
  loaded ??= new Map(
    readCsv(dataFile("architectures.csv")).map(({ row }) => {
      const preset = fromRow(row);
      return [preset.name, preset];
    }),
  );
  return loaded;
}

/**
 * The published model called `name`.
 * @throws InputError that names the nearest ones when there is none.
 */
export function preset(name: string): Preset {
  const found = presets().get(name.toLowerCase());
  if (found) return found;
  throw new InputError({
    place: { path: "model" },
    found: JSON.stringify(name),
    expected: "the name of a published model",
    remedy: suggest(name, [...presets().keys()]),
  });
}

function fromRow(row: Readonly<Record<string, string>>): Preset {
  const settings: Record<string, unknown> = {};
  for (const [column, cell] of Object.entries(row)) {
    if (!NOT_SETTINGS.has(column) && cell !== "")
      assign(settings, column.split("."), column === "name" ? cell : read(cell));
  }
  return {
    name: row.name!,
    source: source(row.source!, row.where),
    note: row.note!,
    architecture: architecture(row.layers!, Number(row.width), settings as ArchitectureSettings),
  };
}

function assign(into: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    into[key!] = value;
    return;
  }
  const nested = (into[key!] ?? {}) as Record<string, unknown>;
  into[key!] = nested;
  assign(nested, rest, value);
}

function read(cell: string): unknown {
  return cell === "true" ? true : cell === "false" ? false : Number(cell);
}
