/** Where electricity is from, as people name it in files and behind flags: a place, or an intensity that they know. */
import { InputError, type Place, type Sampler } from "../core/index.ts";
import { type GridIntensity, givenIntensity, gridIntensity } from "./grids.ts";
import type { Intensity } from "./quantities.ts";
import { draw, quantity, type Range } from "./ranges.ts";

/**
 * An intensity that is written as such, drawn by `drawn`; undefined for what starts with a letter: the name of a place.
 * Throws an `InputError` at `place` for a number that is no intensity.
 */
export function writtenIntensity(
  text: string | number,
  place: Place,
  drawn: (range: Range) => Intensity,
): Intensity | undefined {
  if (typeof text === "string" && !/^\s*[-+.\d]/.test(text)) return undefined;
  const range = quantity("gCO2e/kWh").safeParse(text);
  if (range.success) return drawn(range.data);
  throw new InputError({
    place,
    found: `"${text}"`,
    expected: range.error.issues[0]!.message,
    remedy: "write an intensity such as 57 gCO2e/kWh, or the name of a grid zone",
  });
}

/** A written intensity, else that of a place; where nobody names one, the default place, which the result says. */
export function writtenGrid(
  text: string | number | undefined,
  sampler: Sampler,
  { place, source, vintage = "later" }: { place: Place; source: string; vintage?: "later" | "same" },
): GridIntensity {
  const drawn = (range: Range) => draw(sampler, "grid", range, "gCO2e/kWh", undefined, source);
  const written = text === undefined ? undefined : writtenIntensity(text, place, drawn);
  return written
    ? givenIntensity(written, {}, source)
    : gridIntensity(sampler, text === undefined ? undefined : String(text), { vintage, place });
}
