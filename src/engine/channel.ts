/** The way from a caller to an executor: in the caller's own thread, or in a worker thread by messages. */

import { Worker } from "node:worker_threads";
import { Executor, type ExecutorOptions } from "./executor.ts";
import type { Elements } from "./graph.ts";

/** What an executor can be asked; arguments and results are plain data. */
export type Method = "define" | "write" | "read" | "load" | "run" | "unload" | "close";
type Arguments<M extends Method> = Parameters<Executor[M]>;
type Result<M extends Method> = Awaited<ReturnType<Executor[M]>>;

export interface Request<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly parameters: Arguments<M>;
}
export type Reply = { readonly id: number } & ({ readonly result: unknown } | { readonly error: unknown });

export interface Channel {
  call<M extends Method>(method: M, ...parameters: Arguments<M>): Promise<Result<M>>;
  close(): Promise<void>;
}

const closedError = (): Error => new Error("the runtime was closed");

/** Runs in the caller's thread: nothing is copied, and each run blocks the event loop while it computes. */
export function openInCaller(options: ExecutorOptions): Channel {
  const executor = new Executor(options);
  let closed = false;
  return {
    call: (method, ...parameters) =>
      closed ? Promise.reject(closedError()) : apply(executor, method, parameters),
    close: () => {
      closed = true;
      return executor.close();
    },
  };
}

/** Runs in a worker thread of its own. */
export function openInWorker(options: ExecutorOptions): Channel {
  const file = import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: options });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (reason: unknown) => void }>();
  let count = 0;
  let ended: Error | undefined;

  worker.on("message", (reply: Reply) => {
    const caller = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (waiting.size === 0) worker.unref();
    if ("error" in reply) caller?.reject(reply.error);
    else caller?.resolve(reply.result as never);
  });
  const fail = (reason: Error): void => {
    ended ??= reason;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  worker.on("error", fail);
  worker.on("exit", (code) => fail(new Error(`the runtime's worker thread ended (exit code ${code})`)));
  // An idle runtime that someone forgot to close must not keep the process alive.
  worker.unref();

  const call = <M extends Method>(method: M, ...parameters: Arguments<M>): Promise<Result<M>> => {
    if (ended) return Promise.reject(ended);
    const request: Request<M> = { id: count++, method, parameters };
    return new Promise((resolve, reject) => {
      waiting.set(request.id, { resolve, reject });
      worker.ref();
      worker.postMessage(request);
    });
  };
  return {
    call,
    close: async () => {
      if (ended) return;
      await call("close");
      ended = closedError();
      await worker.terminate();
    },
  };
}

export function apply<M extends Method>(
  executor: Executor,
  method: M,
  parameters: Arguments<M>,
): Promise<Result<M>> {
  const act = executor[method] as (...given: Arguments<M>) => Promise<Result<M>>;
  return act.apply(executor, parameters);
}

/** The buffers of a result, to be moved to the other thread instead of copied. */
export function buffersOf(result: unknown): ArrayBuffer[] {
  if (result === null || typeof result !== "object") return [];
  return Object.values(result as Record<string, Elements>).map((elements) => elements.buffer as ArrayBuffer);
}
