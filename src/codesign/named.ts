/** Models by what a person calls them: a published CLIP, a base encoder, or any decoder of model/. */
import { InputError, type Place, readCsv, suggest } from "../core/index.ts";
import type { AcceleratorDesign } from "../hardware/index.ts";
import { architecture, parseLayers, preset, presets } from "../model/index.ts";
import { architectureFamily, type Family, family, familyNames, fixedFamily } from "./families.ts";
import { publishedDesigns } from "./published.ts";
import type { Direction } from "./quality.ts";
import { clipWorkload } from "./workloads/clip.ts";
import { decoderWorkload, type Phase, phaseOf, printPhase } from "./workloads/decoder.ts";
import { bertWorkload, vitWorkload } from "./workloads/encoders.ts";
import type { Workload } from "./workloads/operation.ts";

export interface NamedOptions {
  readonly batch?: number | undefined;
  /** Width of a layer string. */
  readonly width?: number | undefined;
  /** Of a decoder; a prompt of 512 tokens unless given. */
  readonly phase?: Phase | undefined;
}

const BASE = { layers: 12, feedForward: 3072, width: 768, heads: 12 };
const DEFAULT_WIDTH = 2048;

/**
 * The workload called `what`, with the accelerator that was published for it, if one was. Throws an `InputError` for an
 * unknown name that is no layer string either.
 */
export function namedWorkload(
  what: string,
  { batch = 1, width, phase = phaseOf({}) }: NamedOptions = {},
  place?: Place,
): { workload: Workload; design?: AcceleratorDesign } {
  requireBatch(batch);
  const published = publishedDesigns().find(({ name }) => name.toLowerCase() === what.toLowerCase());
  if (published) {
    const { name, shape, design } = published;
    return { workload: clipWorkload(shape, { name, batch }), design };
  }
  if (what === "vit-b16") return { workload: vitWorkload(BASE, { batch }) };
  if (what === "bert-base") return { workload: bertWorkload(BASE, { batch }) };
  if (presets().has(what.toLowerCase())) {
    return { workload: decoderWorkload(preset(what).architecture, phase, batch) };
  }
  try {
    parseLayers(what);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const names = [
      ...publishedDesigns().map(({ name }) => name),
      "vit-b16",
      "bert-base",
      ...presets().keys(),
    ];
    throw new InputError({
      place,
      found: `"${what}"`,
      expected: "a published CLIP, vit-b16, bert-base, a published decoder, or a layer string such as (AF)16",
      remedy: suggest(what, names),
    });
  }
  const a = architecture(what, width ?? DEFAULT_WIDTH, { name: what });
  return { workload: decoderWorkload(a, phase, batch) };
}

/** A family that is searched, or one model for which only the accelerator is. */
export function namedFamily(what: string, options: NamedOptions = {}, place?: Place): Family {
  if (familyNames().includes(what)) return family(what, place);
  return fixedFamily(namedWorkload(what, options, place).workload);
}

/**
 * A family of decoders with measured quality: a CSV with columns `layers`, `width` and `quality` (a held-out loss, say) and
 * a `name` if wanted. Throws an `InputError` that names the line.
 */
export function readArchitectures(file: string, direction: Direction, phase: Phase = phaseOf({})): Family {
  const choices = readCsv(file).map(({ line, row }) => {
    const place = (path: string): Place => ({ file, line, path });
    const number = (column: string): number => {
      const text = row[column] ?? "";
      const value = Number(text);
      if (text !== "" && Number.isFinite(value)) return value;
      throw new InputError({ place: place(column), found: `"${text}"`, expected: "a number" });
    };
    const layers = row.layers ?? "";
    if (layers === "") {
      throw new InputError({
        place: place("layers"),
        found: "no layers",
        expected: "a layer string such as (SF)3 AF",
      });
    }
    const name = row.name ?? `${layers} at ${row.width}`;
    return {
      name,
      architecture: architecture(layers, number("width"), { name }),
      quality: number("quality"),
    };
  });
  const names = choices.map(({ name }) => name);
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (choices.length === 0 || repeated !== undefined) {
    throw new InputError({
      place: { file },
      found: repeated === undefined ? "no architecture" : `"${repeated}" twice`,
      expected: "at least one architecture, each with a name of its own",
    });
  }
  return architectureFamily(
    `architectures of ${file}, ${printPhase(phase)}`,
    choices,
    phase,
    direction,
    file,
  );
}

function requireBatch(batch: number): void {
  if (Number.isInteger(batch) && batch >= 1) return;
  throw new InputError({
    place: { path: "batch" },
    found: String(batch),
    expected: "a whole number of at least 1",
  });
}
