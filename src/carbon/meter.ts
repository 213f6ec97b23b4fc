/**
 * Measures a job on this machine: starts a command, reads what the machine offers meanwhile (RAPL counters, nvidia-smi),
 * and writes a record. The readings are of the whole machine, not of one process: whatever else runs is in them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { z } from "zod";
import { InputError, readConfig, type Supervision } from "../core/index.ts";
import { BIN_SECONDS, EnergyProfile } from "./energy-profile.ts";
import {
  COMPONENTS,
  type DeviceReading,
  INSTRUMENTS,
  type Measurement,
  PowerIntegrator,
} from "./measurement.ts";
import { RAPL_ROOT, RaplMeter } from "./rapl.ts";

export interface MeterOptions extends Supervision {
  readonly raplRoot?: string | undefined;
  /** The program that is asked for the power of accelerators. */
  readonly nvidiaSmi?: string | undefined;
  /** Between two readings; RAPL counters must not wrap around more than once in it. */
  readonly intervalSeconds?: number | undefined;
  /** Seconds since 1970. */
  readonly now: () => number;
  /** Where the standard output of the command goes: that of this process, its standard error, or nowhere. */
  readonly output?: "inherit" | "stderr" | "ignore";
}

const Bin = z.tuple([z.number(), z.number().nonnegative()]);

/** The record as it is written to a file. */
export const MeterRecord = z.strictObject({
  format: z.literal("terrarium-meter"),
  version: z.literal(1),
  command: z.array(z.string()),
  /** As a shell says it: 128 and the number of the signal where one ended the command. */
  exitCode: z.number().int(),
  start: z.number(),
  end: z.number(),
  /** Null where nothing could be read: not zero. */
  joules: z.number().nonnegative().nullable(),
  devices: z.array(
    z.strictObject({
      instrument: z.enum(INSTRUMENTS),
      device: z.string(),
      component: z.enum(COMPONENTS),
      samples: z.number().int().nonnegative(),
      joules: z.number().nonnegative(),
      /** Start (seconds since 1970) and joules of each span of energy. */
      bins: z.array(Bin),
    }),
  ),
  notMeasured: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type MeterRecord = z.output<typeof MeterRecord>;

/** Parts of a machine that no meter here sees. */
const NOT_MEASURED = [
  "main board, fans, disks and network cards",
  "losses of power supplies",
  "cooling (PUE)",
];

/**
 * Runs `command` to its end while reading meters; resolves to the record, whatever the command's exit code is.
 * Throws an `InputError` where the command cannot be started.
 */
export async function meterCommand(command: readonly string[], options: MeterOptions): Promise<MeterRecord> {
  const [program, ...parameters] = command;
  if (program === undefined) {
    throw new InputError({ place: { path: "COMMAND" }, found: "nothing", expected: "a command to measure" });
  }
  const interval = options.intervalSeconds ?? 1;
  const rapl = new RaplMeter(options.raplRoot ?? RAPL_ROOT);
  const accelerators = new AcceleratorMeter(options.nvidiaSmi ?? "nvidia-smi", interval, options.now);
  await accelerators.ready;
  const start = options.now();
  rapl.read(start);
  accelerators.begin(start);
  const timer = setInterval(() => rapl.read(options.now()), interval * 1000);
  let exitCode: number;
  let end: number;
  try {
    exitCode = await run(program, parameters, options);
  } finally {
    clearInterval(timer);
    end = options.now();
    rapl.read(end);
    await accelerators.stop();
  }
  const readings = [
    ...rapl.finish().map((one) => ({ instrument: "RAPL" as const, ...one })),
    ...accelerators.finish(end).map((one) => ({ instrument: "nvidia-smi" as const, ...one })),
  ];
  const warnings = [...rapl.warnings, ...accelerators.warnings, ...readings.flatMap((one) => one.warnings)];
  const measured = readings.filter(({ device }) => device.energy.joules > 0);
  if (measured.length === 0) {
    warnings.unshift(
      "nothing could be measured on this machine: the energy of this job is unknown, not zero",
    );
  }
  return {
    format: "terrarium-meter",
    version: 1,
    command: [...command],
    exitCode,
    start,
    end,
    joules:
      measured.length === 0 ? null : measured.reduce((total, { device }) => total + device.energy.joules, 0),
    devices: readings.map(({ instrument, device }) => ({
      instrument,
      device: device.device,
      component: device.component,
      samples: device.samples,
      joules: device.energy.joules,
      bins: device.energy.bins().map(({ start, joules }) => [start, joules] as [number, number]),
    })),
    notMeasured: NOT_MEASURED,
    warnings,
  };
}

/** Reads a record that `meterCommand` made. Throws an `InputError` with the line for anything else. */
export function readMeterRecord(file: string): Measurement {
  const { value: record } = readConfig(file, MeterRecord, "a record of terrarium carbon meter");
  if (record.joules === null) {
    throw new InputError({
      place: { file, path: "joules" },
      found: "no energy: nothing could be measured on that machine",
      expected: "a record with readings",
      remedy: record.warnings[1] ?? "measure on a machine with RAPL counters or nvidia-smi",
    });
  }
  return measurementOfRecord(record, file);
}

/** A record's readings as those of any log; `source` is where they are said to be from. */
export function measurementOfRecord(record: MeterRecord, source: string): Measurement {
  return {
    source,
    devices: record.devices.map(({ instrument, device, component, samples, bins }) => {
      const energy = new EnergyProfile();
      for (const [start, joules] of bins) {
        energy.add(Math.max(start, record.start), Math.min(start + BIN_SECONDS, record.end), joules);
      }
      return { instrument, device, component, samples, energy };
    }),
    zoneKnown: true,
    warnings: [...record.warnings, `not measured: ${record.notMeasured.join("; ")}`],
  };
}

function run(program: string, parameters: readonly string[], options: MeterOptions): Promise<number> {
  const { output = "inherit" } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { stdio: output === "stderr" ? ["inherit", 2, 2] : output });
    const abort = () => child.kill("SIGTERM");
    options.signal?.addEventListener("abort", abort, { once: true });
    if (options.signal?.aborted) abort();
    child.once("error", (error: NodeJS.ErrnoException) => {
      options.signal?.removeEventListener("abort", abort);
      reject(
        new InputError({
          place: { path: "COMMAND" },
          found: `"${program}", which cannot be started (${error.code})`,
          expected: "a program of this machine",
        }),
      );
    });
    child.once("exit", (code, signal) => {
      options.signal?.removeEventListener("abort", abort);
      resolve(code ?? 128 + constants.signals[signal!]);
    });
  });
}

/** One nvidia-smi that reports every interval, for as long as it lives: its lines are stamped as they come. */
class AcceleratorMeter {
  readonly warnings: string[] = [];
  /** Resolves with the first reading, or when it is clear that there will be none. */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #closed: Promise<void>;
  readonly #integrators = new Map<string, PowerIntegrator>();
  readonly #watts = new Map<string, number | undefined>();
  readonly #interval: number;
  #begun = false;
  #stopping = false;

  constructor(program: string, interval: number, now: () => number) {
    this.#interval = interval;
    this.#child = spawn(
      program,
      [
        "--query-gpu=index,uuid,power.draw",
        "--format=csv,noheader,nounits",
        `--loop-ms=${Math.round(interval * 1000)}`,
      ],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    let ready: () => void = () => {};
    this.ready = new Promise((resolve) => {
      ready = resolve;
    });
    let started = true;
    this.#child.once("error", () => {
      started = false;
      this.warnings.push(
        `${program} is not on this machine: accelerators, if there are any, are not measured`,
      );
      ready();
    });
    if (this.#child.stdout) {
      createInterface({ input: this.#child.stdout }).on("line", (line) => {
        this.#line(line, now());
        ready();
      });
    }
    this.#closed = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        if (started && !this.#stopping) {
          const heard = this.#watts.size > 0;
          this.warnings.push(
            heard
              ? `${program} ended before the job did (code ${code}): the accelerators were not measured to the end`
              : `${program} gave no reading (code ${code}): the accelerators are not measured`,
          );
        }
        ready();
        resolve();
      });
    });
  }

  /** The job begins: what was read before is not its energy, but its last value holds at this moment. */
  begin(moment: number): void {
    this.#begun = true;
    for (const [device, watts] of this.#watts) this.#sample(device, moment, watts);
  }

  /** Ends nvidia-smi, if it still runs, and waits for what it has written. */
  async stop(): Promise<void> {
    this.#stopping = this.#child.exitCode === null && this.#child.signalCode === null;
    this.#child.kill("SIGTERM");
    await this.#closed;
  }

  /** The last value of each device that still answered holds until `end`. */
  finish(end: number): { device: DeviceReading; warnings: string[] }[] {
    for (const [device, integrator] of this.#integrators) {
      const { lastMoment } = integrator;
      if (lastMoment < end && end - lastMoment <= this.#longestGap) {
        integrator.sample(end, this.#watts.get(device));
      }
    }
    return [...this.#integrators.values()].map((integrator) => integrator.finish(end));
  }

  #line(line: string, moment: number): void {
    const [index, uuid, power] = line.split(",").map((field) => field.trim());
    if (power === undefined || !/^\d+$/.test(index ?? "")) {
      if (this.warnings.length < 5) this.warnings.push(`nvidia-smi said: ${line.trim()}`);
      return;
    }
    const watts = Number(power);
    this.#watts.set(`GPU ${uuid}`, Number.isFinite(watts) ? watts : undefined);
    if (this.#begun) this.#sample(`GPU ${uuid}`, moment, this.#watts.get(`GPU ${uuid}`));
  }

  #sample(device: string, moment: number, watts: number | undefined): void {
    const integrator =
      this.#integrators.get(device) ?? new PowerIntegrator(device, "accelerator", this.#longestGap);
    this.#integrators.set(device, integrator);
    integrator.sample(moment, watts);
  }

  get #longestGap(): number {
    return Math.max(2, 5 * this.#interval);
  }
}
