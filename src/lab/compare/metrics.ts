/** Numbers that runs are compared by. */
export const METRICS = {
  heldOutLoss: { title: "held-out loss", unit: "nats/token", better: "lower" },
  lossBeyond: { title: "loss beyond trained length", unit: "nats/token", better: "lower" },
  lossRise: { title: "rise beyond trained length", unit: "nats/token", better: "lower" },
  recall: { title: "recall to trained length", unit: "share", better: "higher" },
  recallBeyond: { title: "recall beyond trained length", unit: "share", better: "higher" },
  accuracy: { title: "final accuracy", unit: "share", better: "higher" },
  accuracyArea: { title: "mean accuracy over training", unit: "share", better: "higher" },
} as const;
export type Metric = keyof typeof METRICS;
