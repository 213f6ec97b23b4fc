/** The worker thread of a runtime: one executor, asked by messages. */

import { parentPort, workerData } from "node:worker_threads";
import { apply, buffersOf, type Reply, type Request } from "./channel.ts";
import { Executor, type ExecutorOptions } from "./executor.ts";

const port = parentPort!;
const executor = new Executor(workerData as ExecutorOptions);

port.on("message", async ({ id, method, parameters }: Request) => {
  try {
    const result = await apply(executor, method, parameters);
    port.postMessage({ id, result } satisfies Reply, buffersOf(result));
  } catch (error) {
    port.postMessage({ id, error } satisfies Reply);
  }
});
