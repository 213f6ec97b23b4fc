/**
 * Energy over time, in bins of five minutes: what a log of power samples is reduced to while it is read, so that a month
 * of a cluster at one sample a second fits in memory and still meets each hour's carbon intensity.
 */

/** Divides every step that grids publish: 5, 15, 30 and 60 minutes. */
export const BIN_SECONDS = 300;

export interface EnergyBin {
  /** Seconds since 1970; the bin lasts `BIN_SECONDS`. */
  readonly start: number;
  readonly joules: number;
}

export class EnergyProfile {
  readonly #joules = new Map<number, number>();
  /** The bin that samples fall into at present; it is written back when the next one begins. */
  #openBin = Number.NaN;
  #openJoules = 0;
  #start = Number.POSITIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  #total = 0;

  /** Moment of the first energy added, in seconds since 1970; infinite while there is none. */
  get start(): number {
    return this.#start;
  }

  get end(): number {
    return this.#end;
  }

  get joules(): number {
    return this.#total;
  }

  /** Adds energy drawn evenly between two moments. */
  add(start: number, end: number, joules: number): void {
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
    this.#total += joules;
    const first = Math.floor(start / BIN_SECONDS);
    if (first === this.#openBin && end <= (first + 1) * BIN_SECONDS) {
      this.#openJoules += joules;
      return;
    }
    this.#close();
    const last = Math.max(Math.ceil(end / BIN_SECONDS) - 1, first);
    for (let bin = first; bin <= last; bin++) {
      const overlap = Math.min(end, (bin + 1) * BIN_SECONDS) - Math.max(start, bin * BIN_SECONDS);
      const share = end > start ? overlap / (end - start) : 1;
      this.#joules.set(bin, (this.#joules.get(bin) ?? 0) + joules * share);
    }
    this.#openBin = last;
  }

  #close(): void {
    if (this.#openJoules === 0) return;
    this.#joules.set(this.#openBin, (this.#joules.get(this.#openBin) ?? 0) + this.#openJoules);
    this.#openJoules = 0;
  }

  /** Adds all of another profile: two devices of one job. */
  merge(other: EnergyProfile): void {
    other.#close();
    if (other.#joules.size === 0) return;
    for (const [bin, joules] of other.#joules) this.#joules.set(bin, (this.#joules.get(bin) ?? 0) + joules);
    this.#start = Math.min(this.#start, other.#start);
    this.#end = Math.max(this.#end, other.#end);
    this.#total += other.#total;
  }

  /** The same energy times a factor that changes with time, which is asked for each bin. */
  scaled(factorAt: (moment: number) => number): EnergyProfile {
    const scaled = new EnergyProfile();
    for (const { start, joules } of this.bins()) {
      const from = Math.max(start, this.#start);
      scaled.add(from, Math.min(start + BIN_SECONDS, this.#end), joules * factorAt(from));
    }
    return scaled;
  }

  /** In the order of time; bins without energy are left out. */
  bins(): EnergyBin[] {
    this.#close();
    return [...this.#joules]
      .sort(([a], [b]) => a - b)
      .map(([bin, joules]) => ({ start: bin * BIN_SECONDS, joules }));
  }
}

/** The sum of several profiles. */
export function mergedProfile(profiles: Iterable<EnergyProfile>): EnergyProfile {
  const total = new EnergyProfile();
  for (const profile of profiles) total.merge(profile);
  return total;
}

/** A load of constant power from `start` for `seconds`, as a profile. */
export function constantProfile(start: number, seconds: number, watts: number): EnergyProfile {
  const profile = new EnergyProfile();
  profile.add(start, start + seconds, watts * seconds);
  return profile;
}
