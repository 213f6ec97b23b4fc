/**
 * Energy from Prometheus: the JSON of a range query, or text expositions with timestamps, of the DCGM exporter
 * (`DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION` in mJ, `DCGM_FI_DEV_POWER_USAGE` in W) and of node_exporter's RAPL collector.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { InputError, type Place, readText, type Supervision } from "../core/index.ts";
import { fileSize } from "./csv-stream.ts";
import {
  type Component,
  CounterIntegrator,
  type Instrument,
  type Measurement,
  measurementOf,
  PowerIntegrator,
} from "./measurement.ts";

interface Metric {
  readonly instrument: Instrument;
  readonly component: Component;
  /** Of a counter: joules in one of its units. A metric without it is a power in watts. */
  readonly joules?: number;
}

const METRICS: Readonly<Record<string, Metric>> = {
  DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION: { instrument: "DCGM", component: "accelerator", joules: 1e-3 },
  DCGM_FI_DEV_POWER_USAGE: { instrument: "DCGM", component: "accelerator" },
  node_rapl_package_joules_total: { instrument: "RAPL", component: "processor", joules: 1 },
  node_rapl_dram_joules_total: { instrument: "RAPL", component: "memory", joules: 1 },
};

type Labels = Readonly<Record<string, string>>;

/** Collects samples of known metrics a device; a counter of energy wins over the power of the same device. */
class Collector {
  readonly #file: string;
  readonly #counters = new Map<string, CounterIntegrator>();
  readonly #powers = new Map<string, PowerIntegrator>();
  /** The label set that each device was first seen with: MIG slices repeat the whole card's energy. */
  readonly #owners = new Map<string, string>();
  readonly #instruments = new Map<string, Instrument>();
  repeated = 0;

  constructor(file: string) {
    this.#file = file;
  }

  sample(name: string, labels: Labels, moment: number, text: string, place: Place): void {
    const metric = METRICS[name];
    if (metric === undefined) return;
    const device = deviceOf(metric, labels);
    this.#instruments.set(device, metric.instrument);
    const key = `${name} ${device}`;
    const slice = `${labels.GPU_I_ID ?? ""}/${labels.pod ?? ""}/${labels.container ?? ""}`;
    if ((this.#owners.get(key) ?? slice) !== slice) {
      this.repeated++;
      return;
    }
    this.#owners.set(key, slice);
    const value = text === "NaN" ? undefined : Number(text);
    if (value !== undefined && !Number.isFinite(value)) {
      throw new InputError({ place, found: `"${text}"`, expected: "a number" });
    }
    if (metric.joules !== undefined) {
      const counter = this.#counters.get(device) ?? new CounterIntegrator(device, metric.component);
      this.#counters.set(device, counter);
      counter.sample(moment, value === undefined ? undefined : value * metric.joules);
    } else {
      const power = this.#powers.get(device) ?? new PowerIntegrator(device, metric.component);
      this.#powers.set(device, power);
      power.sample(moment, value, place);
    }
  }

  finish(): Measurement {
    const powers = [...this.#powers.values()].filter(({ device }) => !this.#counters.has(device));
    const logEnd = Math.max(...powers.map(({ lastMoment }) => lastMoment));
    const finished = [
      ...[...this.#counters.values()].map((counter) => counter.finish()),
      ...powers.map((power) => power.finish(logEnd)),
    ];
    return measurementOf(
      this.#file,
      finished.map((one) => ({ instrument: this.#instruments.get(one.device.device)!, ...one })),
      {
        warnings:
          this.repeated > 0
            ? [`${this.repeated} samples repeat the card of another MIG slice or container and are left out`]
            : [],
      },
    );
  }
}

function deviceOf(metric: Metric, labels: Labels): string {
  const host = labels.Hostname ?? labels.instance;
  const part =
    metric.component === "accelerator"
      ? `GPU ${labels.UUID ?? labels.gpu ?? labels.device ?? "?"}`
      : `${metric.component} ${labels.index ?? labels.path ?? ""}`.trim();
  return host === undefined ? part : `${host} ${part}`;
}

const RangeAnswer = z.object({
  status: z.literal("success", { error: "an answer whose status is success" }),
  data: z.object({
    resultType: z.literal("matrix", { error: "the answer of a range query (resultType matrix)" }),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

/** Reads the answer to `/api/v1/query_range`. */
export function readPrometheusRange(file: string): Measurement {
  const answer = RangeAnswer.safeParse(jsonOf(file));
  if (!answer.success) {
    throw new InputError(
      answer.error.issues.map((issue) => ({
        place: { file, path: issue.path.map(String).join(".") },
        found: "another value",
        expected: issue.message,
        remedy: "save the answer of /api/v1/query_range, without a rate() around the metric",
      })),
    );
  }
  const collector = new Collector(file);
  for (const [index, { metric, values }] of answer.data.data.result.entries()) {
    for (const [moment, value] of values) {
      const path = `data.result.${index}`;
      collector.sample(metric.__name__ ?? "", metric, moment, value, { file, path });
    }
  }
  return collector.finish();
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+(\d+))?$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads scrapes one after another; each sample must carry its timestamp (milliseconds), as federation writes it. */
export async function readPrometheusText(file: string, supervision: Supervision = {}): Promise<Measurement> {
  const total = fileSize(file);
  const collector = new Collector(file);
  const input = createReadStream(file, { signal: supervision.signal });
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let line = 0;
  for await (const text of lines) {
    if (++line % 20_000 === 0) {
      supervision.progress?.({ activity: `reading ${file}`, done: input.bytesRead, total, unit: "bytes" });
    }
    const match = SAMPLE.exec(text.trim());
    if (!match || METRICS[match[1]!] === undefined) continue;
    const [, name, labelText = "", value, milliseconds] = match;
    const place = { file, line, path: name };
    if (milliseconds === undefined) {
      throw new InputError({
        place,
        found: "a sample without a timestamp",
        expected: "a timestamp in milliseconds after each value: without moments, power is no energy",
        remedy: "save the answer of Prometheus' /api/v1/query_range instead of one scrape",
      });
    }
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, key, text]) => [key, text]));
    collector.sample(name!, labels, Number(milliseconds) / 1000, value!, place);
  }
  return collector.finish();
}

function jsonOf(file: string): unknown {
  try {
    return JSON.parse(readText(file, "the JSON answer of a range query"));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError({ place: { file }, found: (error as Error).message, expected: "JSON" });
  }
}
