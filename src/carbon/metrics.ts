/**
 * Figures of merit that weigh carbon against delay and energy (Gupta et al., ACT, ISCA 2022), and the two ways to add
 * things up: over time and over components.
 */
import { InputError, type Place } from "../core/index.ts";
import type { Carbon, Energy, Time } from "./quantities.ts";

/** CDP = C D: carbon times delay. */
export function carbonDelayProduct(carbon: Carbon, delay: Time) {
  return carbon.times(delay);
}

/** CEP = C E: carbon times energy. */
export function carbonEnergyProduct(carbon: Carbon, energy: Energy) {
  return carbon.times(energy);
}

/** C2EP = C^2 E: for hardware whose making outweighs its use. */
export function carbonSquaredEnergyProduct(carbon: Carbon, energy: Energy) {
  return carbon.times(carbon).times(energy);
}

/** CE2P = C E^2: for hardware whose use outweighs its making. */
export function carbonEnergySquaredProduct(carbon: Carbon, energy: Energy) {
  return carbon.times(energy).times(energy);
}

/**
 * How a quantity adds up. A `total` (energy, carbon) is summed over time and components. A `rate` (power, carbon per
 * request) is averaged over time and summed over components. A `level` (utilisation, carbon intensity) is averaged over both.
 */
export type Aggregation = "total" | "rate" | "level";

/** One value over several spans of time; spans count by their length. Throws an `InputError` for a span without one. */
export function overTime(
  spans: readonly { readonly value: number; readonly seconds: number }[],
  aggregation: Aggregation,
  place?: Place,
): number {
  if (aggregation === "total") return spans.reduce((total, { value }) => total + value, 0);
  const whole = spans.reduce((total, { seconds }) => total + seconds, 0);
  if (!(whole > 0)) {
    throw new InputError({
      place,
      found: `spans of ${whole} s altogether`,
      expected: "a duration above 0: a rate is averaged over time",
    });
  }
  return spans.reduce((total, { value, seconds }) => total + value * seconds, 0) / whole;
}

/** One value over several components at the same time. */
export function overComponents(values: readonly number[], aggregation: Aggregation): number {
  const total = values.reduce((sum, value) => sum + value, 0);
  return aggregation === "level" ? total / values.length : total;
}
