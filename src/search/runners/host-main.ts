/** Entry point of an evaluation's own process: see host.ts. */
import { runTask } from "./host.ts";

const [taskFile, resultFile] = process.argv.slice(2);
if (taskFile === undefined || resultFile === undefined) throw new Error("usage: host-main TASK RESULT");
// The controller holds the other end of the channel: when it is gone, nobody wants the result.
process.on("disconnect", () => process.kill(-process.pid, "SIGKILL"));
await runTask(taskFile, resultFile);
process.exit(0);
