/** The small grammars inside a job log's fields: trackable resources, exit codes, job ids, time limits. */

/** Number of accelerators in Slurm's trackable resources: `billing=1,cpu=1,gres/gpu=8,node=1` has 8. 0 where none. */
export function gpusOf(resources: string): number {
  let typed = 0;
  for (const part of resources.split(",")) {
    const match = /^gres\/gpu(:[^=]+)?[=:](\d+)/.exec(part);
    if (!match) continue;
    // The untyped count is the total; types are only counted where it is missing.
    if (match[1] === undefined) return Number(match[2]);
    typed += Number(match[2]);
  }
  return typed > 0 ? typed : gresGpus(resources);
}

/** Older logs' generic resources: `gpu:8`, `gpu:a100:4`, `gres:gpu:4`. */
function gresGpus(resources: string): number {
  const match = /(?:^|,)(?:gres[:/])?gpu(?::[a-z][^:,=]*)?[:=](\d+)/i.exec(resources);
  return match ? Number(match[1]) : 0;
}

/** The value of `key` in `key=value,...`; undefined where there is none. Units are not read: for plain counts. */
export function countOf(resources: string, key: string): number | undefined {
  for (const part of resources.split(",")) {
    if (part.startsWith(`${key}=`)) return Number.parseInt(part.slice(key.length + 1), 10);
  }
  return undefined;
}

export interface ExitStatus {
  readonly code: number;
  readonly signal: number;
}

/** `returnCode:signal`. Signals that `srun` reports as 128 and more stay in the code, as Slurm wrote them. */
export function parseExitCode(text: string): ExitStatus {
  const match = /^(\d+)(?::(\d+))?/.exec(text);
  return { code: Number(match?.[1] ?? 0), signal: Number(match?.[2] ?? 0) };
}

/** A Slurm job id: `12`, `12_3` (array task), `12_[4-9]` (tasks still pending), `12+1` (heterogeneous), `12.batch`. */
export interface JobId {
  readonly base: string;
  readonly arrayTask: number | undefined;
  readonly inArray: boolean;
  readonly isStep: boolean;
}

export function parseJobId(text: string): JobId | undefined {
  const match = /^(\d+)(?:_(\d+|\[[^\]]*\]))?(?:\+\d+)?(\..+)?$/.exec(text);
  if (!match) return undefined;
  const [, base, task, step] = match;
  return {
    base: base!,
    arrayTask: task !== undefined && /^\d+$/.test(task) ? Number(task) : undefined,
    inArray: task !== undefined,
    isStep: step !== undefined,
  };
}
