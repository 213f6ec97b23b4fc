/** The decisions of a plan, in the order they are taken. A new one is a file beside this and a line here. */
import type { Brief } from "../brief.ts";
import type { AnyDecision } from "../decision.ts";
import { checkpoint } from "./checkpoint.ts";
import { cluster } from "./cluster.ts";
import { data } from "./data.ts";
import { model } from "./model.ts";
import { region } from "./region.ts";
import { serving } from "./serving.ts";
import { spares } from "./spares.ts";

/** Those that the brief asks for: serving is decided only where requests are to be served. */
export function decisionsFor(brief: Brief): readonly AnyDecision[] {
  const training: readonly AnyDecision[] = [model, data, cluster, checkpoint, region, spares];
  return brief.serving === undefined ? training : [...training, serving];
}
