/** Property tests draw the same cases in every run, so that a failure is one that anybody can repeat. */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 20_260_101) });
