export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.ts";
export { type HeldOutLoss, heldOutLoss, mean, type PositionBucket, positionBuckets } from "./held-out.ts";
export { type RecallCell, recallGrid } from "./recall.ts";
export { type DecodeSpeed, decodeSpeed } from "./speed.ts";
export { evaluationText } from "./text.ts";
