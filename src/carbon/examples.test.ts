/** The examples that the carbon room ships. */
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { Sampler } from "../core/index.ts";
import { ledgerTotals, PHASES, readBill, readLedger } from "./index.ts";

const examples = fileURLToPath(new URL("../../examples/carbon/", import.meta.url));

it("has a ledger of all phases that stands", async () => {
  const ledger = await readLedger(`${examples}model.yaml`, new Sampler(1));
  expect(ledgerTotals(ledger).phases).toHaveLength(PHASES.length);
});

it("has a bill of materials that adds up to its published parts", () => {
  const bill = readBill(`${examples}dell-r740.yaml`, new Sampler(1));
  expect(bill.total.value("kgCO2e")).toBeCloseTo(
    23.1434 + 330.42857 + 8 * (136.0457 + 1.95) + 62.75 + 2.85,
    2,
  );
});
