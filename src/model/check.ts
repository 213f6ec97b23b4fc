/** The rules that a model must obey to be priced, and the complaints when it does not. */

import { InputError, type Problem } from "../core/index.ts";
import type { Architecture, AttentionSettings, HybridSettings, SsmSettings } from "./architecture.ts";
import { isPrimitive, MOST_LAYERS } from "./notation.ts";

const LARGEST_DIMENSION = 2 ** 24;

type Dimension = readonly [path: string, value: number, least?: number];

/** @throws InputError naming every dimension that is not a whole number from its least (1 unless told) upward. */
export function requireDimensions(dimensions: readonly Dimension[]): void {
  const problems = dimensions
    .filter(
      ([, value, least = 1]) => !(Number.isInteger(value) && value >= least && value <= LARGEST_DIMENSION),
    )
    .map(([path, value, least = 1]) => ({
      place: { path },
      found: String(value),
      expected: `a whole number from ${least} to ${LARGEST_DIMENSION}`,
    }));
  if (problems.length > 0) throw new InputError(problems);
}

export function attentionDimensions(path: string, s: AttentionSettings): Dimension[] {
  return [
    [`${path}.heads`, s.heads],
    [`${path}.kvHeads`, s.kvHeads],
    [`${path}.headDim`, s.headDim],
    [`${path}.valueDim`, s.valueDim],
  ];
}

export function ssmDimensions(path: string, s: SsmSettings): Dimension[] {
  return [
    [`${path}.innerWidth`, s.innerWidth],
    [`${path}.headDim`, s.headDim],
    [`${path}.stateSize`, s.stateSize],
    [`${path}.groups`, s.groups],
    [`${path}.convWidth`, s.convWidth],
  ];
}

/** @throws InputError naming all that is wrong with `a`. */
export function checkArchitecture(a: Architecture): void {
  checkLayers(a);
  requireDimensions([
    ["vocabulary", a.vocabulary],
    ...attentionDimensions("window", a.window),
    ["window.window", a.window.window],
    ["window.sink", a.window.sink, 0],
    ["feedForward.hidden", a.feedForward.hidden],
    ["experts.experts", a.experts.experts],
    ["experts.active", a.experts.active],
    ["experts.hidden", a.experts.hidden],
    ["experts.shared", a.experts.shared, 0],
    ["experts.sharedHidden", a.experts.sharedHidden],
    ...attentionDimensions("hybrid.attention", a.hybrid.attention),
    ...ssmDimensions("hybrid.ssm", a.hybrid.ssm),
  ]);
  const problems = [
    ...attentionProblems("attention", a.attention),
    ...attentionProblems("window", a.window),
    ...ssmProblems("ssm", a.ssm),
    ...attentionProblems("hybrid.attention", a.hybrid.attention),
    ...ssmProblems("hybrid.ssm", a.hybrid.ssm),
    ...hybridProblems(a.hybrid),
  ];
  const { experts, active } = a.experts;
  if (active > experts) {
    problems.push({
      place: { path: "experts.active" },
      found: String(active),
      expected: `at most experts.experts (${experts})`,
    });
  }
  if (problems.length > 0) throw new InputError(problems);
}

function checkLayers({ layers }: Architecture): void {
  const unknown = layers.findIndex((layer) => !isPrimitive(layer));
  if (unknown < 0 && layers.length > 0 && layers.length <= MOST_LAYERS) return;
  throw new InputError({
    place: { path: unknown < 0 ? "layers" : `layers[${unknown}]` },
    found: unknown < 0 ? `${layers.length} layers` : JSON.stringify(layers[unknown]),
    expected: `1 to ${MOST_LAYERS} layers, each one of A, W, S, H, F, E`,
  });
}

function attentionProblems(path: string, { heads, kvHeads, ropeTheta }: AttentionSettings): Problem[] {
  const problems = notDividing(`${path}.kvHeads`, kvHeads, heads, `${path}.heads`);
  if (ropeTheta !== null && !(Number.isFinite(ropeTheta) && ropeTheta > 0)) {
    problems.push({
      place: { path: `${path}.ropeTheta` },
      found: String(ropeTheta),
      expected: "a positive number, or null for no rotary embedding",
    });
  }
  return problems;
}

function ssmProblems(path: string, { innerWidth, headDim, groups }: SsmSettings): Problem[] {
  const problems = notDividing(`${path}.headDim`, headDim, innerWidth, `${path}.innerWidth`);
  if (problems.length > 0) return problems;
  return notDividing(`${path}.groups`, groups, innerWidth / headDim, `the number of ${path} heads`);
}

function notDividing(path: string, part: number, whole: number, name: string): Problem[] {
  if (whole % part === 0) return [];
  return [{ place: { path }, found: String(part), expected: `a divisor of ${name} (${whole})` }];
}

function hybridProblems({ attention, ssm, fusion, output, values }: HybridSettings): Problem[] {
  const problems: Problem[] = [];
  if (fusion === "concatenate" && output === "separate") {
    problems.push({
      place: { path: "hybrid.fusion" },
      found: "concatenate with separate output projections",
      expected: "a joint output projection after concatenation",
      remedy: 'set hybrid.output to "joint", or fuse by "add" or "difference"',
    });
  }
  const attended = attention.heads * attention.valueDim;
  if (attended === ssm.innerWidth) return problems;
  const widths = `${attended} attention channels and ${ssm.innerWidth} state-space channels`;
  if (output === "joint" && fusion !== "concatenate") {
    problems.push({
      place: { path: "hybrid.output" },
      found: `one projection after ${fusion} of ${widths}`,
      expected: "branches of equal width",
      remedy: "make hybrid.ssm.innerWidth equal to heads x valueDim, or project each branch separately",
    });
  }
  if (values === "shared") {
    problems.push({
      place: { path: "hybrid.values" },
      found: `values shared between ${widths}`,
      expected: "branches of equal width",
      remedy: "make hybrid.ssm.innerWidth equal to heads x valueDim, or keep the values separate",
    });
  }
  return problems;
}
