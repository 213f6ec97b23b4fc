/** Ledgers as people write them: YAML with a default place and a list of entries, each of one phase of life. */
import { dirname } from "node:path";
import { type Place, readConfig, type Sampler, type Supervision } from "../core/index.ts";
import type { Ledger, LedgerRecord } from "./ledger.ts";
import { EntryReader, readEvidence } from "./ledger-entry.ts";
import { LedgerFile } from "./ledger-schema.ts";
import { draw } from "./ranges.ts";

/** A ledger of which everything is read: it is worked out for a sampler, again and again where one input is moved. */
export type LedgerModel = (sampler: Sampler) => Ledger;

/** Reads and works out a ledger. Throws an `InputError` with the line of whatever cannot stand. */
export async function readLedger(
  file: string,
  sampler: Sampler,
  supervision: Supervision = {},
): Promise<Ledger> {
  return (await ledgerModel(file, {}, supervision))(sampler);
}

/** Reads a ledger and the files that it names; `grid` takes the place of the one that the ledger stands at. */
export async function ledgerModel(
  file: string,
  { grid }: { readonly grid?: string | undefined } = {},
  supervision: Supervision = {},
): Promise<LedgerModel> {
  const { value, placeOf } = readConfig(file, LedgerFile, "a ledger of carbon, in YAML");
  return modelOf(grid === undefined ? value : { ...value, grid }, file, placeOf, supervision);
}

/** The model of a ledger that is already checked; `source` is what its numbers are said to come from. */
export async function modelOf(
  value: LedgerFile,
  source: string,
  placeOf: (path: readonly PropertyKey[]) => Place,
  supervision: Supervision = {},
): Promise<LedgerModel> {
  const entries: { readonly entry: LedgerFile["entries"][number]; readonly evidence: EvidenceOf }[] = [];
  for (const entry of value.entries) {
    entries.push({ entry, evidence: await readEvidence(entry, dirname(source), supervision) });
  }
  return (sampler) => {
    const records: LedgerRecord[] = [];
    for (const [index, { entry, evidence }] of entries.entries()) {
      const reader = new EntryReader(entry, value, evidence, {
        file: source,
        name: entry.name ?? entry.phase,
        number: index + 1,
        sampler,
        placeOf: (...path) => placeOf(["entries", index, ...path]),
        defaultPlaceOf: (...path) => placeOf(path),
      });
      records.push(...reader.records(records));
    }
    const unit = value["functional-unit"];
    return {
      name: value.name,
      records,
      delay: value.delay && draw(sampler, "ledger/delay", value.delay, "h", undefined, source),
      functionalUnit: unit && {
        name: unit.name,
        count: draw(sampler, "ledger/functional-unit", unit.count, "1", undefined, source),
      },
    };
  };
}

type EvidenceOf = Awaited<ReturnType<typeof readEvidence>>;
