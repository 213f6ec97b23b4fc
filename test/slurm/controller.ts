/** The controller of the test's study, as a process that can be killed: 50 evaluations on Slurm. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createPolicy, drive, SlurmRunner, Space, Study } from "../../src/search/index.ts";

const folder = process.argv[2]!;
const space = new Space({ n: { kind: "integer", low: 0, high: 49 } });
const study = Study.open<unknown>(
  folder,
  {
    domain: "test",
    space,
    objectives: [{ metric: "square", direction: "minimise" }],
    policy: { name: "exhaustive" },
    budget: { trials: 50 },
    seed: 1,
  },
  { clock: () => performance.now() },
);
const runner = new SlurmRunner(
  { file: fileURLToPath(new URL("./square.ts", import.meta.url)) },
  { folder: join(folder, "slurm"), jobName: "fifty", workers: 10, pollSeconds: 1 },
);
await drive(study, { policy: createPolicy(study.spec, space), operators: {}, runner, tellOrder: "finished" });
await runner.close();
study.close();
