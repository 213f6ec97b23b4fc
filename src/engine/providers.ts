/** What this machine can compute on. */

import { listSupportedBackends } from "onnxruntime-node";
import { float32 } from "./graph.ts";
import { add } from "./operations/elementwise.ts";
import { Runtime } from "./runtime.ts";

export interface ProviderReport {
  /** As in `RuntimeOptions.provider`. */
  readonly name: string;
  readonly works: boolean;
  /** What the runtime says when it does not. */
  readonly reason?: string;
}

/** Runs a small program on each execution provider that the installed ONNX Runtime was built with. */
export async function providers(): Promise<ProviderReport[]> {
  const reports: ProviderReport[] = [];
  for (const { name } of listSupportedBackends()) reports.push(await probe(name));
  return reports;
}

/** Runs a small program on one execution provider. */
export async function probe(name: string): Promise<ProviderReport> {
  const runtime = new Runtime({ provider: name, threads: 1 });
  try {
    const program = await runtime.compile("probe", ({ x }) => ({ outputs: { y: add(x, 1) } }), {
      inputs: { x: float32([4]) },
    });
    const { y } = await program.run({ x: Float32Array.of(1, 2, 3, 4) });
    return { name, works: y[3] === 5 };
  } catch (error) {
    return { name, works: false, reason: (error as Error).message };
  } finally {
    await runtime.close();
  }
}
