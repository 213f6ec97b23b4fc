export { BALANCE, BALANCE_STEP } from "./experts.ts";
export { INITIALISATION, type Initialisation, type Tensors } from "./layer.ts";
export { type Network, type NetworkResult, network, parameterCount } from "./network.ts";
export { type ScanOperands, type ScanResult, scanChunked, scanQuadratic, scanRecurrent } from "./scan.ts";
