/**
 * Loads this project's TypeScript in plain Node, in worker threads too: `--import tsx` alone leaves those out on Node 20.
 * Vitest transforms what it imports itself, but not the threads and processes that the code under test starts.
 */
import { register } from "tsx/esm/api";

register();
