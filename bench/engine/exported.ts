/**
 * A trained network as ONNX, checked and run by the Python builds of onnx and ONNX Runtime, beside the engine.
 * Usage: exported.ts RUN --python PYTHON; see README.md.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RandomStream } from "../../src/core/index.ts";
import { int32, parameterState } from "../../src/engine/index.ts";
import { exportModel, TrainedModel } from "../../src/lab/index.ts";

const { values, positionals } = parseArgs({
  options: { python: { type: "string", default: "python3" } },
  allowPositionals: true,
});
const folder = mkdtempSync(join(tmpdir(), "exported-"));
const trained = await TrainedModel.open(positionals[0]!);
try {
  const { config, model, runtime } = trained;
  const stream = new RandomStream(1).split("tokens");
  const last = config.architecture.vocabulary - 1;
  const tokens = Int32Array.from({ length: config.context }, () => stream.integer(0, last));

  const program = await runtime.compile(
    "logits",
    ({ tokens }, parameters) => ({ outputs: { logits: model.logits(parameters, tokens).logits } }),
    { inputs: { tokens: int32([1, tokens.length]) }, state: parameterState(model.parameters) },
  );
  const own = (await program.run({ tokens })).logits as Float32Array;

  const [onnx] = await exportModel(trained, folder, tokens.length);
  const [fed, given] = [join(folder, "tokens"), join(folder, "logits")];
  writeFileSync(fed, tokens);
  const script = join(import.meta.dirname, "exported.py");
  process.stdout.write(execFileSync(values.python, [script, onnx!, fed, given], { encoding: "utf8" }));
  const found = new Float32Array(new Uint8Array(readFileSync(given)).buffer);
  if (found.length !== own.length) throw new Error(`${found.length} logits, expected ${own.length}`);
  const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = own.reduce((most, value, i) => Math.max(most, Math.abs(value - found[i]!)), 0);
  console.log(`${own.length} logits up to ${largest.toFixed(2)}, worst difference ${worst.toExponential(1)}`);
  if (!(worst < 1e-4 * largest)) process.exitCode = 1;
} finally {
  await trained.close();
  rmSync(folder, { recursive: true });
}
