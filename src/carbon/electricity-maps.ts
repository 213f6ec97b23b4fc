/** Asks Electricity Maps for the hourly intensity of a zone: the one service that an account here can be made live with. */
import { InputError, parseConfig } from "../core/index.ts";
import { ElectricityMapsAnswer } from "./series-json.ts";
import { formatMoment, Timestamps } from "./timestamps.ts";

export interface ElectricityMapsOptions {
  /** Of the service's portal; sent as `auth-token`. */
  readonly token: string;
  /** Both in seconds since 1970; without them, the last 24 hours, which a free token may ask for. */
  readonly span?: { readonly start: number; readonly end: number } | undefined;
  readonly service?: string;
}

export const ELECTRICITY_MAPS = "https://api.electricitymaps.com/v3";
const TOKEN = "ELECTRICITY_MAPS_TOKEN";
/** The service answers for ten days at a time. */
const LONGEST_SPAN = 10 * 86_400;

/**
 * The service's answer, its parts put together: written to a file as JSON, `readIntensitySeries` reads it as live.
 * Average, location-based and life-cycle. Throws an `InputError` where the service does not answer for this zone.
 */
export async function askElectricityMaps(
  zone: string,
  { token, span, service = ELECTRICITY_MAPS }: ElectricityMapsOptions,
): Promise<ElectricityMapsAnswer> {
  // Without the last parameter the service answers for where the caller is when it does not know the zone.
  const ask = (path: string, more: Record<string, string>) =>
    answerOf(
      `${service}/carbon-intensity/${path}?${new URLSearchParams({ zone, ...more, shouldUseFallbackCallerLookup: "false" })}`,
      token,
      zone,
    );
  if (span === undefined) return ask("history", {});
  const answers: ElectricityMapsAnswer[] = [];
  for (let start = span.start; start < span.end; start += LONGEST_SPAN) {
    const end = Math.min(start + LONGEST_SPAN, span.end);
    answers.push(await ask("past-range", { start: formatMoment(start), end: formatMoment(end) }));
  }
  // Two spans share the hour at which they meet.
  const points = new Map(answers.flatMap(({ data = [] }) => data.map((point) => [point.datetime, point])));
  return { zone, data: [...points.values()] };
}

/** The token that the service's portal gave. Throws an `InputError` that names the variable where there is none. */
export function electricityMapsToken(environment: Readonly<Record<string, string | undefined>>): string {
  const token = environment[TOKEN];
  if (token) return token;
  throw new InputError({
    place: { path: TOKEN },
    found: "no such environment variable",
    expected: "a token of Electricity Maps, without which the service does not answer",
    remedy: "without --record the bundled yearly mean is shown",
  });
}

/** Two moments as flags. Throws an `InputError` for one alone, or for an end before the start. */
export function writtenSpan(from?: string, until?: string): ElectricityMapsOptions["span"] {
  if (from === undefined && until === undefined) return undefined;
  const moment = (text: string | undefined, flag: string) =>
    new Timestamps("UTC").read(text ?? "", { path: flag });
  const [start, end] = [moment(from, "--from"), moment(until, "--until")];
  if (start < end) return { start, end };
  throw new InputError({
    place: { path: "--until" },
    found: `${until}, which is not after ${from}`,
    expected: "an end after the start",
  });
}

async function answerOf(url: string, token: string, zone: string): Promise<ElectricityMapsAnswer> {
  const place = { file: url };
  const refused = (found: string, remedy?: string) =>
    new InputError({ place, found, expected: `the carbon intensity of ${zone}`, remedy });
  const response = await fetch(url, {
    headers: { "auth-token": token },
    signal: AbortSignal.timeout(30_000),
  }).catch((error: Error) => {
    throw refused(
      `no answer (${(error.cause as Error | undefined)?.message ?? error.message})`,
      "try again, or use the bundled mean",
    );
  });
  const text = await response.text();
  if (!response.ok) {
    const remedy =
      response.status === 401 || response.status === 403
        ? "the token may not be valid, or not for this zone or these hours"
        : undefined;
    throw refused(`status ${response.status}: ${text.slice(0, 200)}`, remedy);
  }
  const { value } = parseConfig(text, ElectricityMapsAnswer, url);
  if (value.zone.toLowerCase() !== zone.toLowerCase()) throw refused(`an answer for ${value.zone}`);
  return value;
}
