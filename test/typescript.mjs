/**
 * Lets Node 20 load this project's TypeScript natively, as newer versions do. Vitest transforms what it imports itself,
 * but not the worker threads that the code under test starts.
 */

import { register } from "node:module";

if (!process.features.typescript) register("./typescript-loader.mjs", import.meta.url);
