/**
 * Logs of power or energy as CSV: what `nvidia-smi --query-gpu=timestamp,index,power.draw --format=csv -l 1` writes, and
 * plain tables with the columns timestamp, power_w [, device] or start, end, energy_j | energy_wh | energy_kwh [, device].
 */
import { InputError, type Place, type Supervision } from "../core/index.ts";
import { openLog, type StreamedLog } from "./csv-stream.ts";
import { EnergyProfile } from "./energy-profile.ts";
import { type Instrument, type Measurement, measurementOf, PowerIntegrator } from "./measurement.ts";
import { Timestamps } from "./timestamps.ts";

export interface LogOptions {
  /** Where moments without a zone were written, `UTC` or `+02:00`. */
  readonly timeZone?: string | undefined;
  /** The longest silence that is bridged between two readings of one device. */
  readonly longestGapSeconds?: number | undefined;
}

const NVIDIA_DEVICE = ["uuid", "gpu_uuid", "index", "pci.bus_id", "gpu_bus_id", "name", "gpu_name"];
const JOULES: Readonly<Record<string, number>> = { energy_j: 1, energy_wh: 3600, energy_kwh: 3.6e6 };
/** What nvidia-smi writes where a card has no sensor, or no longer answers. */
const NO_READING = /^(\[.*\]|n\/a|not supported|err!?|unknown error|gpu is lost)$/i;

export async function readPowerLog(
  file: string,
  options: LogOptions = {},
  supervision: Supervision = {},
): Promise<Measurement> {
  const log = await openLog(file, ",", supervision);
  const header = log.header.map((name) => name.toLowerCase());
  const rows = log.batches;
  const nvidiaPower = header.findIndex((name) => /^power\.draw(\.average|\.instant)?( \[w\])?$/.test(name));
  if (nvidiaPower >= 0) return readNvidia(file, rows, header, nvidiaPower, options);
  if (header.includes("power_w")) return readWatts(file, rows, header, options);
  if (header.some((name) => name in JOULES)) return readEnergies(file, rows, header, options);
  throw new InputError({
    place: { file, line: 1 },
    found: header.length === 0 ? "an empty file" : header.join(", "),
    expected:
      "a header with timestamp and power.draw (nvidia-smi), timestamp and power_w, or start, end and energy_kwh",
    remedy: "for nvidia-smi leave out noheader: --format=csv or --format=csv,nounits",
  });
}

type Rows = StreamedLog["batches"];

async function readNvidia(
  file: string,
  rows: Rows,
  header: readonly string[],
  power: number,
  options: LogOptions,
): Promise<Measurement> {
  const time = column(file, header, "timestamp");
  const device = NVIDIA_DEVICE.map((name) => header.indexOf(name)).find((index) => index >= 0);
  const reading = (text: string, place: Place) => {
    if (NO_READING.test(text)) return undefined;
    return numberIn(text.replace(/ ?W$/, ""), place);
  };
  return integrate(
    "nvidia-smi",
    file,
    rows,
    header,
    { time, power, device, prefix: "GPU " },
    reading,
    options,
  );
}

function readWatts(
  file: string,
  rows: Rows,
  header: readonly string[],
  options: LogOptions,
): Promise<Measurement> {
  const columns = {
    time: column(file, header, "timestamp"),
    power: header.indexOf("power_w"),
    device: header.includes("device") ? header.indexOf("device") : undefined,
    prefix: "",
  };
  const reading = (text: string, place: Place) => (text === "" ? undefined : numberIn(text, place));
  return integrate("CSV", file, rows, header, columns, reading, options);
}

interface PowerColumns {
  readonly time: number;
  readonly power: number;
  readonly device: number | undefined;
  readonly prefix: string;
}

async function integrate(
  instrument: Instrument,
  file: string,
  rows: Rows,
  header: readonly string[],
  { time, power, device, prefix }: PowerColumns,
  reading: (text: string, place: Place) => number | undefined,
  options: LogOptions,
): Promise<Measurement> {
  const timestamps = new Timestamps(options.timeZone, { path: "time-zone" });
  const devices = new Map<string, PowerIntegrator>();
  let foreign = 0;
  let firstForeign = "";
  for await (const batch of rows) {
    for (const { line, fields } of batch) {
      if (fields.length !== header.length) {
        // A message between the rows: nvidia-smi writes one where a card falls off the bus.
        if (foreign++ === 0) firstForeign = `line ${line}: ${fields.join(", ")}`;
        continue;
      }
      const text = fields[time]!;
      // A log that was continued has its header again.
      if (text.toLowerCase() === header[time]) continue;
      const moment = timestamps.read(text, { file, line, path: header[time] });
      const name = device === undefined ? "all devices" : prefix + fields[device]!;
      let integrator = devices.get(name);
      if (!integrator) {
        const component = instrument === "nvidia-smi" ? "accelerator" : "machine";
        integrator = new PowerIntegrator(name, component, options.longestGapSeconds);
        devices.set(name, integrator);
      }
      const place = { file, line, path: header[power] };
      integrator.sample(moment, reading(fields[power]!, place), place);
    }
  }
  const logEnd = Math.max(...[...devices.values()].map(({ lastMoment }) => lastMoment));
  return measurementOf(
    file,
    [...devices.values()].map((integrator) => ({ instrument, ...integrator.finish(logEnd) })),
    {
      zoneKnown: timestamps.zoneKnown,
      warnings:
        foreign > 0 ? [`lines that are no rows of the table: ${foreign}, the first is ${firstForeign}`] : [],
    },
  );
}

async function readEnergies(
  file: string,
  rows: Rows,
  header: readonly string[],
  options: LogOptions,
): Promise<Measurement> {
  const start = column(file, header, "start");
  const end = column(file, header, "end");
  const energy = header.findIndex((name) => name in JOULES);
  const device = header.indexOf("device");
  const timestamps = new Timestamps(options.timeZone, { path: "time-zone" });
  const devices = new Map<string, { energy: EnergyProfile; samples: number }>();
  for await (const batch of rows) {
    for (const { line, fields } of batch) {
      const place = { file, line, path: header[energy] };
      const joules = numberIn(fields[energy] ?? "", place) * JOULES[header[energy]!]!;
      const from = timestamps.read(fields[start] ?? "", { file, line, path: "start" });
      const to = timestamps.read(fields[end] ?? "", { file, line, path: "end" });
      if (joules < 0)
        throw new InputError({ place, found: fields[energy]!, expected: "an energy of 0 or more" });
      if (to <= from) {
        throw new InputError({
          place: { file, line, path: "end" },
          found: `${fields[end]} after a start at ${fields[start]}`,
          expected: "an end that comes after the start",
        });
      }
      const name = device < 0 ? "all devices" : fields[device]!;
      const known = devices.get(name) ?? { energy: new EnergyProfile(), samples: 0 };
      devices.set(name, known);
      known.energy.add(from, to, joules);
      known.samples++;
    }
  }
  const finished = [...devices].map(([name, known]) => ({
    instrument: "CSV" as const,
    device: { device: name, component: "machine" as const, ...known },
    warnings: known.energy.joules === 0 ? [`${name}: every energy is zero`] : [],
  }));
  return measurementOf(file, finished, { zoneKnown: timestamps.zoneKnown });
}

function column(file: string, header: readonly string[], name: string): number {
  const index = header.indexOf(name);
  if (index >= 0) return index;
  throw new InputError({
    place: { file, line: 1 },
    found: header.join(", "),
    expected: `a column "${name}"`,
    remedy: `add ${name} to what is logged: without moments, power is no energy`,
  });
}

function numberIn(text: string, place: Place): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value)) return value;
  throw new InputError({ place, found: `"${text}"`, expected: "a number" });
}
