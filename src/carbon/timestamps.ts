/**
 * Moments as logs and grid files write them, read to seconds since 1970. A moment without a time zone is only known up to
 * the zone, and a file that mixes both, or zones far apart, is refused: an hour's shift moves load onto other hours' carbon.
 */
import { InputError, type Place } from "../core/index.ts";

const MOMENT =
  /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/i;

/** Reads the moments of one file, in whatever order, and holds them to one time zone. */
export class Timestamps {
  readonly #assumedOffset: number | undefined;
  /** The minute read last: a log's neighbouring rows mostly share it, and its date need not be read again. */
  #minute = { prefix: "", zone: "", seconds: 0 };
  #first: { readonly offset: number | undefined; readonly text: string } | undefined;

  /** `zone` (`UTC`, `+02:00`) is where moments that name no zone were written; `undefined` if that is not known. */
  constructor(zone?: string, place?: Place) {
    this.#assumedOffset = zone === undefined ? undefined : offsetMinutes(zone, place);
  }

  /** False while moments without a zone are read as UTC for want of anything better. */
  get zoneKnown(): boolean {
    return this.#first === undefined || this.#first.offset !== undefined || this.#assumedOffset !== undefined;
  }

  /** Seconds since 1970-01-01T00:00Z. Throws an `InputError` for what is no moment, and for mixed time zones. */
  read(text: string, place?: Place): number {
    const near = this.#inSameMinute(text);
    if (near !== undefined) return near;
    if (/^\d{9,10}(\.\d+)?$/.test(text)) return this.#sameZone(0, text, place, Number(text));
    if (/^\d{12,13}$/.test(text)) return this.#sameZone(0, text, place, Number(text) / 1000);
    const match = MOMENT.exec(text);
    if (!match) {
      throw new InputError({
        place,
        found: `"${text}"`,
        expected: "a moment such as 2026-03-01T14:00:00Z or 2026-03-01 14:00:00",
      });
    }
    const [, year, month, day, hour = "0", minute = "0", second = "0", zone] = match;
    const offset = zone === undefined ? undefined : offsetMinutes(zone, place);
    const asUtc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute)) / 1000;
    const seconds = asUtc + Number(second) - 60 * (offset ?? this.#assumedOffset ?? 0);
    this.#sameZone(offset, text, place, seconds);
    const colon = text.indexOf(":", text.indexOf(":") + 1);
    if (colon >= 0 && match[6] !== undefined) {
      this.#minute = {
        prefix: text.slice(0, colon + 1),
        zone: zone ?? "",
        seconds: seconds - Number(second),
      };
    }
    return seconds;
  }

  #inSameMinute(text: string): number | undefined {
    const { prefix, zone, seconds } = this.#minute;
    if (prefix === "" || !text.startsWith(prefix) || !text.endsWith(zone)) return undefined;
    const rest = text.slice(prefix.length, text.length - zone.length);
    return /^\d\d(\.\d+)?$/.test(rest) ? seconds + Number(rest) : undefined;
  }

  #sameZone(offset: number | undefined, text: string, place: Place | undefined, seconds: number): number {
    this.#first ??= { offset, text };
    const before = this.#first.offset;
    // A log that runs through a change to or from daylight saving rightly shows two offsets, one hour apart.
    const sound =
      (before === undefined) === (offset === undefined) && Math.abs((before ?? 0) - (offset ?? 0)) <= 60;
    if (sound) return seconds;
    throw new InputError({
      place,
      found: `mixed time zones: "${text}" after "${this.#first.text}"`,
      expected: "moments of one time zone in one file",
      remedy: "write all of them in UTC, ending in Z",
    });
  }
}

/** `2022-01-01T00:00Z`, to the minute. */
export function formatMoment(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
}

function offsetMinutes(zone: string, place?: Place): number {
  if (/^(Z|UTC|GMT)$/i.test(zone)) return 0;
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (!match) {
    throw new InputError({
      place,
      found: `the time zone "${zone}"`,
      expected: "UTC or an offset from it, such as +02:00",
    });
  }
  return (match[1] === "-" ? -1 : 1) * (60 * Number(match[2]) + Number(match[3]));
}
