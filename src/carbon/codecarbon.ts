/** Imports the `emissions.csv` of CodeCarbon: operational carbon of runs, without the making of any hardware. */
import { Estimate, InputError, readCsv } from "../core/index.ts";
import type { OperationalRecord, Phase } from "./ledger.ts";
import { figures } from "./tables.ts";

const COLUMNS = ["timestamp", "run_id", "emissions", "energy_consumed"] as const;

/**
 * One record a run. Rows of one `run_id` are states of the same counters, so the last one counts. Energies are kWh and
 * emissions kg as CodeCarbon wrote them, its PUE included. Throws an `InputError` for negative or missing values.
 */
export function readCodecarbon(file: string, phase: Phase): OperationalRecord[] {
  const rows = readCsv(file);
  const missing = COLUMNS.filter((column) => rows[0]?.row[column] === undefined);
  if (missing.length > 0) {
    throw new InputError({
      place: { file, line: 1 },
      found: `no column ${missing.join(", ")}`,
      expected: "the emissions.csv that CodeCarbon writes",
    });
  }
  const runs = new Map<string, (typeof rows)[number]>();
  for (const entry of rows) runs.set(entry.row.run_id!, entry);
  return [...runs.values()].map(({ line, row }) => {
    const value = (column: string) => {
      const number = Number(row[column]);
      if (row[column] !== "" && number >= 0) return number;
      throw new InputError({
        place: { file, line, path: column },
        found: `"${row[column]}"`,
        expected: "a number of 0 or more",
      });
    };
    const evidence = { basis: "measured", sources: [{ id: file, title: "CodeCarbon" }] } as const;
    const repeated = rows.filter((other) => other.row.run_id === row.run_id).length - 1;
    return {
      phase,
      kind: "operational",
      emitter: `electricity of ${placeOf(row)}`,
      what: `${row.project_name || "codecarbon"} ${row.run_id!.slice(0, 8)}`,
      carbon: Estimate.exact(value("emissions"), "kgCO2e", evidence),
      marketCarbon: undefined,
      energy: Estimate.exact(value("energy_consumed"), "kWh", evidence),
      signal: "average",
      provenance: [
        {
          what: `energy and carbon by CodeCarbon ${row.codecarbon_version ?? ""}`.trim(),
          origin: "measured",
          source: file,
          vintage: row.timestamp,
        },
        {
          what: `carbon intensity of ${placeOf(row)}`,
          origin: "bundled",
          source: "codecarbon",
        },
      ],
      notes: [
        ...doubts(row),
        ...(repeated > 0 ? [`${repeated} earlier rows of this run are states of the same counters`] : []),
        "CodeCarbon does not say whether its intensity was live or bundled, and counts no making of hardware",
      ],
    };
  });
}

function placeOf(row: Readonly<Record<string, string>>): string {
  return [row.region, row.country_name].filter(Boolean).join(", ") || "an unknown place";
}

/** Values that CodeCarbon writes where it could not read: they look like readings. */
function doubts(row: Readonly<Record<string, string>>): string[] {
  const fallback = figures("meters").get("codecarbon", "fallback-power").value;
  const processors = Number(row.cpu_power) % fallback === 0 && Number(row.cpu_power) > 0;
  const accelerators = Number(row.gpu_count) > 0 && Number(row.gpu_power) === 0;
  return [
    ...(processors ? [`the processor's ${row.cpu_power} W are CodeCarbon's fallback, not a reading`] : []),
    ...(accelerators ? [`${row.gpu_count} GPUs with a power of 0 W: their energy is missing`] : []),
  ];
}
