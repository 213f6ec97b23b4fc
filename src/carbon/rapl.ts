/**
 * Running average power limit counters (RAPL) of Intel and AMD processors, as Linux shows them under
 * /sys/class/powercap: energy in microjoules since some moment, wrapping around at a range of its own.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Component, CounterIntegrator, type DeviceReading } from "./measurement.ts";

export const RAPL_ROOT = "/sys/class/powercap";

interface Zone {
  readonly file: string;
  readonly counter: CounterIntegrator;
}

export class RaplMeter {
  readonly #zones: readonly Zone[];
  readonly #read: (file: string) => string;
  /** Why nothing or not everything can be read: said before any figure. */
  readonly warnings: readonly string[];

  /** Finds the zones under `root`; never throws, since a machine without counters is no mistake of anyone's. */
  constructor(root: string = RAPL_ROOT, read: (file: string) => string = readText) {
    this.#read = read;
    const warnings: string[] = [];
    const folders = listed(root).filter((name) => /^(intel|amd)-rapl:\d+(:\d+)?$/.test(name));
    if (folders.length === 0) {
      warnings.push(`no RAPL counters under ${root}: the energy of processors and memory is not measured`);
    }
    this.#zones = folders.flatMap((folder) => {
      const path = join(root, folder);
      const name = this.#text(join(path, "name")) ?? folder;
      const component = componentOf(name);
      if (component === undefined) return [];
      const file = join(path, "energy_uj");
      try {
        read(file);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        warnings.push(
          code === "EACCES"
            ? `${name}: ${file} may be read by root only; its energy is not measured (run as root, or grant reading)`
            : `${name}: ${file} cannot be read (${code}); its energy is not measured`,
        );
        return [];
      }
      const range = Number(this.#text(join(path, "max_energy_range_uj")) ?? Number.NaN) / 1e6;
      if (!(range > 0))
        warnings.push(`${name}: the range of its counter is not known; a wrap-around loses energy`);
      const socket = /:(\d+)/.exec(folder)![1];
      const device = component === "memory" ? `memory of package-${socket}` : name;
      return [{ file, counter: new CounterIntegrator(device, component, range > 0 ? range : undefined) }];
    });
    this.warnings = warnings;
  }

  /** Reads all counters at `moment` (seconds since 1970). Two readings must lie within one turn of the counter. */
  read(moment: number): void {
    for (const { file, counter } of this.#zones) {
      const text = this.#text(file);
      counter.sample(moment, text !== undefined && /^\d+$/.test(text) ? Number(text) / 1e6 : undefined);
    }
  }

  finish(): { device: DeviceReading; warnings: string[] }[] {
    return this.#zones.map(({ counter }) => counter.finish());
  }

  #text(file: string): string | undefined {
    try {
      return this.#read(file).trim();
    } catch {
      return undefined;
    }
  }
}

/** A package holds its core and uncore zones and psys holds all of them: counting those too would count twice. */
function componentOf(name: string): Component | undefined {
  if (name.startsWith("package")) return "processor";
  if (name === "dram") return "memory";
  return undefined;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
