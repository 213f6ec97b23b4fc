/** Model families that a search can vary: which sizes, what they make, and what is known of their quality. */
import { InputError, type Place, suggest } from "../core/index.ts";
import type { Architecture } from "../model/index.ts";
import type { Parameter, Point } from "../search/index.ts";
import { publishedDesigns } from "./published.ts";
import {
  type Direction,
  measuredIn,
  publishedPoints,
  type QualitySurrogate,
  qualitySurrogate,
  readQualityTable,
} from "./quality.ts";
import { clipWorkload } from "./workloads/clip.ts";
import { decoderWorkload, type Phase } from "./workloads/decoder.ts";
import { type EncoderShape, encoderParameters } from "./workloads/encoder.ts";
import { bertWorkload, vitWorkload } from "./workloads/encoders.ts";
import type { Workload } from "./workloads/operation.ts";

export interface Family {
  readonly name: string;
  /** Empty where the model is fixed and only the accelerator is searched. */
  readonly parameters: Readonly<Record<string, Parameter>>;
  workload(point: Point): Workload;
  /** Values of the parameters, in their order. */
  sizes(point: Point): number[];
  /** Parameters of each tower. */
  capacities(point: Point): number[];
  /** What is published of this family's quality, if anything. */
  readonly quality?: QualitySurrogate | undefined;
}

/** CATransformers prunes in eighths of the base model for CLIP, in sixteenths for ViT and BERT. */
function blocks(base: number, of: number, least: number): Parameter {
  const values = Array.from({ length: of - least + 1 }, (_, i) => (base / of) * (least + i));
  return { kind: "ordered", values };
}

function range(low: number, high: number): Parameter {
  return { kind: "ordered", values: Array.from({ length: high - low + 1 }, (_, i) => low + i) };
}

const TEXT_BASE = { feedForward: 2048, width: 512, heads: 8 };
const VISION_BASE = { feedForward: 3072, width: 768, heads: 12 };

/** The 1,071,875 models of the paper's search, reference table of configurations. */
const CLIP_PARAMETERS: Readonly<Record<string, Parameter>> = {
  textLayers: range(6, 12),
  textFeedForward: blocks(TEXT_BASE.feedForward, 8, 4),
  textWidth: blocks(TEXT_BASE.width, 8, 4),
  textHeads: range(4, 8),
  visionLayers: range(6, 12),
  visionFeedForward: blocks(VISION_BASE.feedForward, 8, 4),
  visionWidth: blocks(VISION_BASE.width, 8, 4),
  visionHeads: range(6, 12),
};

function tower(point: Point, prefix: "text" | "vision" | ""): EncoderShape {
  const part = (name: string) =>
    Number(point[prefix === "" ? name[0]!.toLowerCase() + name.slice(1) : prefix + name]);
  return {
    layers: part("Layers"),
    feedForward: part("FeedForward"),
    width: part("Width"),
    heads: part("Heads"),
  };
}

function clipFamily(patch: 16 | 32): Family {
  const shape = (point: Point) => ({ text: tower(point, "text"), vision: tower(point, "vision"), patch });
  const capacities = (point: Point) => {
    const { text, vision } = shape(point);
    return [encoderParameters(text), encoderParameters(vision)];
  };
  const known = publishedDesigns()
    .filter((published) => published.shape.patch === patch)
    .map(({ name, shape: { text, vision }, accuracy }) => ({
      name,
      sizes: [text, vision].flatMap(({ layers, feedForward, width, heads }) => [
        layers,
        feedForward,
        width,
        heads,
      ]),
      capacities: [encoderParameters(text), encoderParameters(vision)],
      quality: accuracy,
    }));
  return {
    name: `clip-b${patch}`,
    parameters: CLIP_PARAMETERS,
    workload: (point) => clipWorkload(shape(point), { name: `CLIP-B/${patch}, pruned` }),
    sizes: (point) => sizesOf(CLIP_PARAMETERS, point),
    capacities,
    quality: qualitySurrogate(known, "maximise", publishedPoints()),
  };
}

const ENCODER_PARAMETERS: Readonly<Record<string, Parameter>> = {
  layers: range(6, 12),
  feedForward: blocks(VISION_BASE.feedForward, 16, 1),
  width: blocks(VISION_BASE.width, 16, 1),
  heads: { kind: "ordered", values: [4, 6, 8, 12] },
};

function encoderFamily(name: string, workload: (shape: EncoderShape) => Workload): Family {
  return {
    name,
    parameters: ENCODER_PARAMETERS,
    workload: (point) => workload(tower(point, "")),
    sizes: (point) => sizesOf(ENCODER_PARAMETERS, point),
    capacities: (point) => [encoderParameters(tower(point, ""))],
  };
}

const FAMILIES: Readonly<Record<string, () => Family>> = {
  "clip-b16": () => clipFamily(16),
  "clip-b32": () => clipFamily(32),
  "vit-b16": () => encoderFamily("vit-b16", (shape) => vitWorkload(shape)),
  "bert-base": () => encoderFamily("bert-base", (shape) => bertWorkload(shape)),
};

export function familyNames(): string[] {
  return Object.keys(FAMILIES);
}

/** Throws an `InputError` with near names for an unknown family. */
export function family(name: string, place?: Place): Family {
  const make = Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined;
  if (make) return make();
  throw new InputError({
    place,
    found: `"${name}"`,
    expected: "a model family",
    remedy: suggest(name, familyNames()),
  });
}

/** One model for which only the accelerator is searched. */
export function fixedFamily(workload: Workload): Family {
  return {
    name: workload.name,
    parameters: {},
    workload: () => workload,
    sizes: () => [],
    capacities: () => [workload.parameters],
  };
}

/** Architectures with a measured quality each, such as the held-out losses that the lab measures. */
export function architectureFamily(
  name: string,
  choices: readonly {
    readonly name: string;
    readonly architecture: Architecture;
    readonly quality: number;
  }[],
  phase: Phase,
  direction: Direction,
  file: string,
): Family {
  const byName = new Map(choices.map((choice) => [choice.name, choice]));
  const workloads = new Map(
    choices.map((choice) => [choice.name, decoderWorkload(choice.architecture, phase)]),
  );
  const sizes = (point: Point) => [choices.indexOf(byName.get(String(point.architecture))!) + 1];
  const capacities = (point: Point) => [workloads.get(String(point.architecture))!.parameters];
  return {
    name,
    parameters: { architecture: { kind: "choice", values: [...byName.keys()] } },
    workload: (point) => workloads.get(String(point.architecture))!,
    sizes,
    capacities,
    // Every choice is a known model, so nothing is interpolated.
    quality: {
      direction,
      known: choices.map((choice, i) => ({
        name: choice.name,
        sizes: [i + 1],
        capacities: [workloads.get(choice.name)!.parameters],
        quality: choice.quality,
      })),
      evidence: measuredIn(file),
      predict: ([index]) => {
        const { name: nearest, quality } = choices[index! - 1]!;
        return { value: quality, nearest, distance: 0, extrapolates: false };
      },
    },
  };
}

/** The family with the quality of a person's own table: a column a parameter and one called `quality`. */
export function withQualityTable(base: Family, file: string, direction: Direction): Family {
  const names = Object.keys(base.parameters);
  const known = readQualityTable(file, names, "quality").map(({ name, sizes, quality }) => ({
    name,
    sizes,
    quality,
    capacities: base.capacities(Object.fromEntries(names.map((parameter, i) => [parameter, sizes[i]!]))),
  }));
  return { ...base, quality: qualitySurrogate(known, direction, measuredIn(file), { file }) };
}

function sizesOf(parameters: Readonly<Record<string, Parameter>>, point: Point): number[] {
  return Object.keys(parameters).map((name) => Number(point[name]));
}
