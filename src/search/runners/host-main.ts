/** Entry point of an evaluation's own process: see host.ts. */
import { runTask } from "./host.ts";
import { killOthers } from "./process-tree.ts";

const [taskFile, resultFile] = process.argv.slice(2);
if (taskFile === undefined || resultFile === undefined) throw new Error("usage: host-main TASK RESULT");
// A controller that holds the other end of a channel is gone when it closes: nobody wants the result. Under Slurm
// there is no channel, and the result is wanted whatever becomes of the controller.
process.on("disconnect", () => {
  killOthers();
  process.kill(-process.pid, "SIGKILL");
});
await runTask(taskFile, resultFile);
killOthers();
process.exit(0);
