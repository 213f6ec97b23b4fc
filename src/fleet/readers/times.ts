/**
 * Times as logs write them. Slurm prints local wall-clock time without a zone; a clock turns it into seconds since
 * 1970 in UTC. Texts with a zone of their own (`Z`, `+0100`) and epoch seconds need no clock.
 */
import { InputError } from "../../core/index.ts";

/** What a field holds that is not a time at all; absent times (`Unknown`, `None`, `N/A`, empty) are NaN. */
export const MALFORMED = Number.POSITIVE_INFINITY;

const HOUR = 3600;

/** The wall clock of a place: `UTC`, an IANA name (`Europe/Zurich`), or a fixed offset (`+02:00`). */
export class WallClock {
  readonly zone: string;
  readonly #format: Intl.DateTimeFormat | undefined;
  readonly #fixedOffset: number;
  #cachedHour = Number.NaN;
  #cachedOffset = 0;

  constructor(zone = "UTC") {
    this.zone = zone;
    const offset = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
    if (offset) {
      this.#fixedOffset = (offset[1] === "-" ? -1 : 1) * (Number(offset[2]) * HOUR + Number(offset[3]) * 60);
      return;
    }
    this.#fixedOffset = 0;
    if (zone === "UTC" || zone === "Z") return;
    try {
      this.#format = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        year: "numeric",
        month: "2-digit",
        day: "2-digit",
        hour: "2-digit",
        minute: "2-digit",
        second: "2-digit",
      });
    } catch {
      throw new InputError({
        place: { path: "timeZone" },
        found: `"${zone}"`,
        expected: "UTC, an offset such as +02:00, or a name such as Europe/Zurich",
      });
    }
  }

  /**
   * Seconds since 1970 UTC of a wall-clock reading, given as the seconds it would be in UTC. A reading that occurs
   * twice (clocks going back) is taken as the first; one that never occurs is moved forward by the gap.
   */
  toEpoch(wallSeconds: number): number {
    if (!this.#format) return wallSeconds - this.#fixedOffset;
    const hour = Math.floor(wallSeconds / HOUR);
    if (hour !== this.#cachedHour) {
      const before = this.#offsetAt(wallSeconds - 24 * HOUR);
      const after = this.#offsetAt(wallSeconds + 24 * HOUR);
      // The offset before a change holds until the change: it is the right one where reading it back agrees.
      const agrees = this.#offsetAt(wallSeconds - before) === before;
      this.#cachedOffset = agrees || this.#offsetAt(wallSeconds - after) !== after ? before : after;
      // Around a change the offset may turn within the hour, so only quiet hours are remembered.
      this.#cachedHour = before === after ? hour : Number.NaN;
    }
    return wallSeconds - this.#cachedOffset;
  }

  #offsetAt(epochSeconds: number): number {
    const parts: Record<string, number> = {};
    for (const { type, value } of this.#format!.formatToParts(epochSeconds * 1000))
      parts[type] = Number(value);
    const wall = Date.UTC(
      parts.year!,
      parts.month! - 1,
      parts.day!,
      parts.hour!,
      parts.minute!,
      parts.second!,
    );
    return wall / 1000 - Math.floor(epochSeconds);
  }
}

/** Reads time fields of one log; keeps the day of the last field, since neighbours mostly share it. */
export class TimeReader {
  readonly #clock: WallClock;
  #year = 0;
  #monthAndDay = 0;
  #daySeconds = Number.NaN;
  /** Fields read so far that carried a zone, and that did not: a log with both mixes two conventions. */
  zoned = 0;
  local = 0;

  constructor(clock: WallClock) {
    this.#clock = clock;
  }

  text(text: string): number {
    const bytes = Buffer.from(text, "latin1");
    return this.field(bytes, 0, bytes.length);
  }

  /**
   * `bytes[start..end)` in seconds since 1970; NaN where the field says there is no time, `MALFORMED` where it is not
   * one. Accepts `2026-11-22T20:05:26`, the same with a space, a fraction and a zone, and epoch seconds.
   */
  field(bytes: Buffer, start: number, end: number): number {
    const length = end - start;
    if (length === 0) return Number.NaN;
    const firstByte = bytes[start]!;
    if (firstByte < 48 || firstByte > 57) return absentOrMalformed(bytes.toString("latin1", start, end));
    if (bytes[start + 4] !== 45 || length < 19) {
      return this.#rare(bytes.toString("latin1", start, end));
    }
    // All digits of a day in two numbers, which are the same for the same ten bytes.
    const year =
      (bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!;
    const monthAndDay =
      (bytes[start + 5]! << 24) | (bytes[start + 6]! << 16) | (bytes[start + 8]! << 8) | bytes[start + 9]!;
    if (year !== this.#year || monthAndDay !== this.#monthAndDay) {
      this.#daySeconds = dayAt(bytes, start);
      this.#year = year;
      this.#monthAndDay = monthAndDay;
    }
    const [H, h] = [bytes[start + 11]! - 48, bytes[start + 12]! - 48];
    const [M, m] = [bytes[start + 14]! - 48, bytes[start + 15]! - 48];
    const [S, s] = [bytes[start + 17]! - 48, bytes[start + 18]! - 48];
    // A digit and a digit + 6 fit into four bits; nothing else does.
    const stray = (H | h | M | m | S | s | (H + 6) | (h + 6) | (M + 6) | (m + 6) | (S + 6) | (s + 6)) & ~15;
    const hour = 10 * H + h;
    const minute = 10 * M + m;
    const second = 10 * S + s;
    const wall = this.#daySeconds + hour * HOUR + minute * 60 + second;
    // Written so that the NaN of no day fails too.
    if (stray !== 0 || hour > 23 || minute > 59 || second > 60 || !(wall >= 0)) return MALFORMED;
    if (length === 19) {
      this.local++;
      return this.#clock.toEpoch(wall);
    }
    return this.#suffixed(wall, bytes.toString("latin1", start + 19, end));
  }

  #suffixed(wall: number, suffix: string): number {
    const match = /^(\.\d+)?(Z|[+-]\d{2}:?\d{2})?$/.exec(suffix);
    if (!match) return MALFORMED;
    const precise = wall + Number(match[1] ?? 0);
    if (!match[2]) {
      this.local++;
      return this.#clock.toEpoch(wall) + Number(match[1] ?? 0);
    }
    this.zoned++;
    return match[2] === "Z" ? precise : new WallClock(match[2]).toEpoch(precise);
  }

  #rare(text: string): number {
    if (/^\d{9,10}(\.\d+)?$/.test(text)) {
      this.zoned++;
      return Number(text);
    }
    // `2019-08-19 16:37` and `8/19/2019 16:37`, as some published traces write it.
    const dated =
      /^(?<y>\d{4})-(?<m>\d{1,2})-(?<d>\d{1,2})[T ](?<H>\d{1,2}):(?<M>\d{2})(:(?<S>\d{2}))?$/.exec(text) ??
      /^(?<m>\d{1,2})\/(?<d>\d{1,2})\/(?<y>\d{4}) (?<H>\d{1,2}):(?<M>\d{2})(:(?<S>\d{2}))?$/.exec(text);
    if (!dated?.groups) return MALFORMED;
    const { y, m, d, H, M, S = "0" } = dated.groups;
    this.local++;
    return this.#clock.toEpoch(Date.UTC(+y!, +m! - 1, +d!, +H!, +M!, +S) / 1000);
  }
}

/** Seconds since 1970 at which the day `2026-11-22` begins; NaN where it is none. */
function dayAt(bytes: Buffer, start: number): number {
  const year = twoDigits(bytes, start) * 100 + twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const valid = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
  return valid ? Date.UTC(year, month - 1, day) / 1000 : Number.NaN;
}

function twoDigits(bytes: Buffer, start: number): number {
  const tens = bytes[start]! - 48;
  const ones = bytes[start + 1]! - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN;
}

const ABSENT = new Set(["Unknown", "None", "N/A", "INVALID", "(null)", "NULL", "None assigned", "-"]);

function absentOrMalformed(text: string): number {
  return ABSENT.has(text) ? Number.NaN : MALFORMED;
}

/** Seconds of Slurm's `[days-]hours:minutes:seconds[.fraction]` or `minutes:seconds`; NaN where there is none. */
export function parseDuration(text: string): number {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text);
  if (!match) return /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const [, days = "0", hours = "0", minutes, seconds] = match;
  return Number(days) * 24 * HOUR + Number(hours) * HOUR + Number(minutes) * 60 + Number(seconds);
}
