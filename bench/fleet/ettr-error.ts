/**
 * The error of the closed form of expected ETTR against the exact renewal form over its domain, as a table: rows are
 * failures times the loss of one failure, lambda (u0 + dt/2), columns the share of it that is restart time.
 * Run: npx tsx bench/fleet/ettr-error.ts
 */
import { ettrClosedForm, ettrExact, expectedEttr } from "../../src/fleet/index.ts";

const shares = [0, 0.1, 0.25, 0.5, 0.75];
const losses = [0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99, 1, 1.5];
const interval = 3600;

console.log(
  `lambda (u0 + dt/2)   ${shares.map((share) => `u0 ${`${100 * share} %`.padStart(5)}`).join("  ")}`,
);
for (const loss of losses) {
  const row = shares.map((share) => {
    // A loss of u0 + dt/2 of which `share` is restart.
    const restartSeconds = ((interval / 2) * share) / (1 - share);
    const run = {
      failuresPerSecond: loss / (restartSeconds + interval / 2),
      checkpointIntervalSeconds: interval,
      restartSeconds,
    };
    if (expectedEttr(run).form === "exact") return "refused";
    return `${(100 * (ettrClosedForm(run) / ettrExact(run) - 1)).toFixed(1)} %`;
  });
  console.log(`${loss.toFixed(2).padStart(18)}   ${row.map((cell) => cell.padStart(8)).join("  ")}`);
}
