/**
 * Reads what GPUs report: NVIDIA's XID lines in kernel logs (`dmesg -T`, syslog, `journalctl`), and DCGM's metrics in
 * Prometheus' text format. Repeats of one error on one accelerator within five seconds count once, as in
 * arXiv:2503.11901.
 */
import type { Supervision } from "../../core/index.ts";
import type { Signal } from "../events.ts";
import { xid } from "../taxonomy.ts";
import { decode } from "../texts.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { TimeReader, WallClock } from "./times.ts";

export const COALESCE_SECONDS = 5;

export interface GpuErrorOptions extends ReadingOptions, Supervision {
  readonly timeZone?: string | undefined;
  /** Node for lines that name none (`dmesg` of one machine). */
  readonly node?: string | undefined;
  /** Year for syslog's times, which have none. */
  readonly year?: number | undefined;
}

const XID_LINE = /NVRM: Xid \(([^)]+)\): (\d+)(.*)$/;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Reads XID lines; all other lines are passed over. */
export async function readXidLog(
  source: LogSource,
  options: GpuErrorOptions = {},
): Promise<{ signals: Signal[]; reading: Reading }> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const clock = new TimeReader(new WallClock(options.timeZone));
  const signals: Signal[] = [];
  const latest = new Map<string, number>();
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      // The search in bytes spares decoding the millions of lines that are something else.
      if (bytes.subarray(start, end).indexOf("NVRM: Xid") < 0) return reading.pass("other messages");
      const text = decode(bytes, start, end);
      const match = XID_LINE.exec(text);
      if (!match)
        return reading.skip("an XID line that cannot be read", line, text, "NVRM: Xid (address): number");
      const origin = logOrigin(text.slice(0, match.index), clock, options);
      if (!Number.isFinite(origin.time)) {
        return reading.skip("the time cannot be read", line, text, "a syslog, ISO or dmesg -T time");
      }
      if (origin.node === undefined) {
        return reading.skip("the line names no node", line, text, "a host name, or the option node");
      }
      const accelerator = match[1]!.replace(/^PCI:/, "");
      const known = xid(Number(match[2]));
      const key = `${origin.node}/${accelerator}/${known.code}`;
      const before = latest.get(key);
      latest.set(key, origin.time);
      if (before !== undefined && origin.time - before <= COALESCE_SECONDS) {
        return reading.pass(`repeats within ${COALESCE_SECONDS} s`);
      }
      signals.push({
        node: origin.node,
        time: origin.time,
        symptom: known.symptom,
        detail: `XID ${known.code}: ${known.meaning}`,
        xid: known.code,
        accelerator,
        critical: known.critical,
        file,
        line,
      });
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "a message"),
    options,
  );
  reading.kept = signals.length;
  return { signals, reading };
}

/** Time and host at the start of a kernel message, in the forms of syslog, journald and `dmesg -T`. */
function logOrigin(
  prefix: string,
  clock: TimeReader,
  { node, year }: GpuErrorOptions,
): { time: number; node: string | undefined } {
  const iso = /^(\d{4}-\d{2}-\d{2}[T ]\S+)\s+(\S+)?/.exec(prefix);
  if (iso) return { time: clock.text(iso[1]!), node: hostname(iso[2]) ?? node };
  const syslog = /^(?:<\d+>)?([A-Z][a-z]{2})\s+(\d{1,2}) (\d{2}:\d{2}:\d{2})\s+(\S+)?/.exec(prefix);
  if (syslog && year !== undefined) {
    return {
      time: clock.text(isoTime(year, syslog[1]!, syslog[2]!, syslog[3]!)),
      node: hostname(syslog[4]) ?? node,
    };
  }
  const dmesg = /^\[[A-Z][a-z]{2} ([A-Z][a-z]{2})\s+(\d{1,2}) (\d{2}:\d{2}:\d{2}) (\d{4})\]/.exec(prefix);
  if (dmesg) return { time: clock.text(isoTime(Number(dmesg[4]), dmesg[1]!, dmesg[2]!, dmesg[3]!)), node };
  return { time: Number.NaN, node };
}

function hostname(word: string | undefined): string | undefined {
  return word === undefined || word.startsWith("kernel:") ? undefined : word;
}

function isoTime(year: number, month: string, day: string, time: string): string {
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, "0");
  return `${year}-${number}-${day.padStart(2, "0")}T${time}`;
}

/** What each DCGM metric tells when it is above 0, or has grown. */
const DCGM: Readonly<Record<string, { symptom: string; kind: "xid" | "counter"; detail: string }>> = {
  DCGM_FI_DEV_XID_ERRORS: { symptom: "GPU driver or firmware error", kind: "xid", detail: "XID" },
  DCGM_FI_DEV_ECC_DBE_VOL_TOTAL: {
    symptom: "GPU memory error",
    kind: "counter",
    detail: "double-bit ECC errors",
  },
  DCGM_FI_DEV_ECC_DBE_AGG_TOTAL: {
    symptom: "GPU memory error",
    kind: "counter",
    detail: "double-bit ECC errors",
  },
  DCGM_FI_DEV_ROW_REMAP_FAILURE: {
    symptom: "GPU memory error",
    kind: "counter",
    detail: "failed row remaps",
  },
  DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS: {
    symptom: "GPU memory error",
    kind: "counter",
    detail: "rows remapped for uncorrectable errors",
  },
  DCGM_FI_DEV_PCIE_REPLAY_COUNTER: { symptom: "PCIe error", kind: "counter", detail: "PCIe replays" },
  DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL: {
    symptom: "GPU NVLink error",
    kind: "counter",
    detail: "NVLink CRC errors",
  },
};
/** Counters that rise in healthy machines too: they tell of a symptom but take no node out. */
const BENIGN = new Set(["DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL"]);

/**
 * Reads scrapes of dcgm-exporter in Prometheus' text format, one after another in time order. A counter gives a signal
 * where it has grown since the last scrape of its accelerator; an XID where it appears or changes. Samples without a
 * timestamp are of `scrapedAt`.
 */
export async function readDcgmMetrics(
  source: LogSource,
  options: GpuErrorOptions & { readonly scrapedAt?: number | undefined } = {},
): Promise<{ signals: Signal[]; reading: Reading }> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const signals: Signal[] = [];
  const last = new Map<string, number>();
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      const text = decode(bytes, start, end);
      if (text === "" || text.startsWith("#")) return reading.pass("comment or blank line");
      const name = /^[A-Za-z_:][\w:]*/.exec(text)?.[0];
      const known = name === undefined ? undefined : DCGM[name];
      if (!known) return reading.pass("other metrics");
      const sample = parseSample(text);
      const node =
        sample?.labels.Hostname ?? sample?.labels.hostname ?? sample?.labels.instance ?? options.node;
      const time = sample?.time ?? options.scrapedAt;
      if (!sample || node === undefined || time === undefined || !Number.isFinite(sample.value)) {
        return reading.skip(
          "a sample that cannot be read",
          line,
          text,
          "name{Hostname=...,gpu=...} value time",
        );
      }
      reading.kept++;
      const accelerator = sample.labels.gpu ?? sample.labels.UUID ?? "";
      const key = `${name}/${node}/${accelerator}`;
      const before = last.get(key);
      last.set(key, sample.value);
      const xidCode = known.kind === "xid" ? sample.value : undefined;
      const news =
        xidCode === undefined
          ? before !== undefined && sample.value > before
          : sample.value !== (before ?? 0);
      if (!news || sample.value === 0) return;
      const meaning = xidCode === undefined ? undefined : xid(xidCode);
      signals.push({
        node,
        time,
        symptom: meaning?.symptom ?? known.symptom,
        detail: meaning
          ? `XID ${meaning.code}: ${meaning.meaning}`
          : `${sample.value - before!} ${known.detail}`,
        xid: xidCode,
        accelerator,
        critical: meaning?.critical ?? !BENIGN.has(name!),
        file,
        line,
      });
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "a sample"),
    options,
  );
  return { signals, reading };
}

/** `name{label="value",...} value [milliseconds]`. */
function parseSample(
  text: string,
): { labels: Record<string, string>; value: number; time: number | undefined } | undefined {
  const match = /^[A-Za-z_:][\w:]*(?:\{(.*)\})?\s+(\S+)(?:\s+(-?\d+))?\s*$/.exec(text);
  if (!match) return undefined;
  const labels: Record<string, string> = {};
  for (const [, label, value] of (match[1] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g))
    labels[label!] = value!;
  return {
    labels,
    value: Number(match[2]),
    time: match[3] === undefined ? undefined : Number(match[3]) / 1000,
  };
}
