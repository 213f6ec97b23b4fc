/** Answers of services about carbon intensity, as JSON: Electricity Maps and WattTime. What they say is live at its vintage. */
import { z } from "zod";
import { InputError, parseConfig, readText, suggest } from "../core/index.ts";
import type { SignalLabel } from "./grids.ts";
import type { IntensitySeries } from "./series.ts";
import { assemble, type SeriesOptions, UNITS } from "./series-assembly.ts";
import { Timestamps } from "./timestamps.ts";

const ElectricityMapsPoint = z.object({
  carbonIntensity: z.number().nonnegative().nullable(),
  datetime: z.string(),
  emissionFactorType: z.string().optional(),
  isEstimated: z.boolean().nullish(),
});
export const ElectricityMapsAnswer = z.object({
  zone: z.string(),
  history: z.array(ElectricityMapsPoint).optional(),
  forecast: z.array(ElectricityMapsPoint).optional(),
  data: z.array(ElectricityMapsPoint).optional(),
});
export type ElectricityMapsAnswer = z.output<typeof ElectricityMapsAnswer>;

const WattTimeAnswer = z.object({
  meta: z.object({ region: z.string(), signal_type: z.string(), units: z.string() }),
  data: z.array(z.object({ point_time: z.string(), value: z.number() })),
});

export function readJson(file: string, options: SeriesOptions): IntensitySeries {
  const text = readText(file, "a JSON answer of Electricity Maps or WattTime");
  return /"point_time"/.test(text)
    ? readWattTime(text, file, options)
    : readElectricityMapsJson(text, file, options);
}

function readElectricityMapsJson(text: string, file: string, options: SeriesOptions): IntensitySeries {
  const { value: answer } = parseConfig(text, ElectricityMapsAnswer, file);
  const key = (["history", "forecast", "data"] as const).find((name) => answer[name] !== undefined);
  if (key === undefined) {
    throw new InputError({
      place: { file },
      found: "an answer without history, forecast or data",
      expected: "carbon intensities of Electricity Maps' API",
    });
  }
  const points = answer[key]!;
  const kinds = new Set(points.map((point) => point.emissionFactorType ?? "lifecycle"));
  if (kinds.size > 1) {
    throw new InputError({
      place: { file, path: `${key}.emissionFactorType` },
      found: [...kinds].join(" and "),
      expected: "one type of emission factor in one series",
    });
  }
  const timestamps = new Timestamps(options.timeZone, { file, path: "time-zone" });
  const guessed = points.filter((point) => point.isEstimated === true).length;
  return assemble(
    file,
    answer.zone,
    points.map((point, index) => ({
      moment: timestamps.read(point.datetime, { file, path: `${key}.${index}.datetime` }),
      value: point.carbonIntensity ?? Number.NaN,
      place: { file, path: `${key}.${index}` },
    })),
    {
      signal: options.signal ?? "average",
      accounting: "location",
      boundary: kinds.has("direct") ? "direct" : "life-cycle",
    },
    timestamps,
    [
      ...(key === "forecast" ? ["these intensities are a forecast"] : []),
      ...(guessed > 0 ? [`${guessed} of ${points.length} values are marked as estimated`] : []),
    ],
    "live",
  );
}

/** WattTime: `co2_moer` is the marginal operating emissions rate, in pounds per megawatt-hour. */
function readWattTime(text: string, file: string, options: SeriesOptions): IntensitySeries {
  const { value: answer, placeOf } = parseConfig(text, WattTimeAnswer, file);
  const factor = UNITS[answer.meta.units];
  if (factor === undefined) {
    throw new InputError({
      place: placeOf(["meta", "units"]),
      found: `the unit "${answer.meta.units}"`,
      expected: "a unit of carbon intensity",
      remedy: suggest(answer.meta.units, Object.keys(UNITS)),
    });
  }
  const signals: Readonly<Record<string, SignalLabel["signal"]>> = {
    co2_moer: "marginal",
    co2_aoer: "average",
  };
  const signal = signals[answer.meta.signal_type];
  if (signal === undefined) {
    throw new InputError({
      place: placeOf(["meta", "signal_type"]),
      found: `the signal "${answer.meta.signal_type}"`,
      expected: "emissions of carbon dioxide",
      remedy: suggest(answer.meta.signal_type, Object.keys(signals)),
    });
  }
  const timestamps = new Timestamps(options.timeZone, { file, path: "time-zone" });
  return assemble(
    file,
    answer.meta.region,
    answer.data.map(({ point_time, value }, index) => ({
      moment: timestamps.read(point_time, { file, path: `data.${index}.point_time` }),
      value: value * factor,
      place: { file, path: `data.${index}` },
    })),
    { signal, accounting: "location", boundary: "direct" },
    timestamps,
    [],
    "live",
  );
}
