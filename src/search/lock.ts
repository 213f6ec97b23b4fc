/**
 * One writer a study. Each claimant writes a file of its own (named after its host, process and the moment that the
 * process started), then looks at the others': if any of those is alive it withdraws. As the claim is written before
 * looking, two claimants can both withdraw but never both go on, and nobody ever deletes a live process's claim.
 */
import { randomUUID } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { InputError } from "../core/index.ts";

interface Claim {
  readonly host: string;
  readonly pid: number;
  /** When the process started, in the kernel's terms; a pid alone may since have gone to another process. */
  readonly started: string;
}

export class Lock {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * Claims `folder` for this process. Returns the lock and a notice for each claim of a dead process that was removed.
   * Throws an `InputError` when another live process, or this one, holds it.
   */
  static take(folder: string): { lock: Lock; notices: string[] } {
    const claims = join(folder, "lock");
    mkdirSync(claims, { recursive: true });
    const mine: Claim = { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? "unknown" };
    const name = `${mine.host}-${mine.pid}-${randomUUID()}.json`;
    const file = join(claims, name);
    // Written aside and linked, so that no other claimant ever reads half a claim.
    const draft = `${file}.draft`;
    writeFileSync(draft, JSON.stringify(mine));
    linkSync(draft, file);
    rmSync(draft);
    const notices: string[] = [];
    for (const other of readdirSync(claims)) {
      if (other === name || !other.endsWith(".json")) continue;
      const claim = readClaim(join(claims, other));
      if (!claim) continue;
      if (!isDead(claim)) {
        rmSync(file, { force: true });
        throw held(folder, claim, join(claims, other));
      }
      rmSync(join(claims, other), { force: true });
      notices.push(
        `${folder}: the lock of process ${claim.pid}, which is no longer there, was taken over; going on from its journal`,
      );
    }
    return { lock: new Lock(file), notices };
  }

  /** Whether a process that is not known to be dead works on `folder`. */
  static isTaken(folder: string): boolean {
    const claims = join(folder, "lock");
    if (!existsSync(claims)) return false;
    return readdirSync(claims).some((name) => {
      const claim = name.endsWith(".json") ? readClaim(join(claims, name)) : undefined;
      return claim !== undefined && !isDead(claim);
    });
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

function readClaim(file: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Claim;
  } catch {
    return undefined; // withdrawn between the listing and the reading
  }
}

/** Only a process of this host can be known to be dead. */
function isDead(claim: Claim): boolean {
  if (claim.host !== hostname()) return false;
  const started = startOf(claim.pid);
  return started === undefined || started !== claim.started;
}

/** Boot and start time of a live process, `unknown` where the system does not say, undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Field 22, counted after the command's closing bracket, as the command itself may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return undefined;
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}/${fields[19]}`;
  } catch {
    return "unknown";
  }
}

function held(folder: string, claim: Claim, file: string): InputError {
  const here = claim.host === hostname();
  return new InputError({
    place: { file: folder },
    found: `a study that process ${claim.pid}${here ? "" : ` on ${claim.host}`} is working on`,
    expected: "a study that nobody is working on",
    remedy: here
      ? `wait for process ${claim.pid} or stop it; \`status\`, \`show\` and \`export\` work meanwhile`
      : `stop it there; if ${claim.host} is known to be dead, delete ${file}`,
  });
}
