/** What a run is where nothing else is asked for. */

/**
 * Settings that trained well on two cores at widths of 64 to 96 (`docs/lab.md` says how they were measured): learning
 * rate, warm-up, decay and initialisation were not tuned beyond the few values given there.
 */
export const DEFAULTS = {
  width: 96,
  context: 256,
  batch: 4,
  /** Of tasks, whose sequences are shorter. */
  taskBatch: 16,
  steps: 200,
  evaluateEvery: 20,
  optimiser: {
    learningRate: 3e-3,
    schedule: "cosine",
    warmupSteps: 20,
    floor: 0.1,
    weightDecay: 0.1,
    clipNorm: 1,
  },
} as const;
