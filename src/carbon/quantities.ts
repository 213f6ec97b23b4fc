/** The quantities of carbon accounting as types: `Carbon` is an estimate that can be shown in kgCO2e, and so on. */
import type { Dimensionless, DimensionOf, Estimate } from "../core/index.ts";

export type Carbon = Estimate<DimensionOf<"kgCO2e">>;
export type Energy = Estimate<DimensionOf<"kWh">>;
export type Power = Estimate<DimensionOf<"W">>;
export type Time = Estimate<DimensionOf<"h">>;
export type Area = Estimate<DimensionOf<"cm2">>;
/** Carbon per energy, `gCO2e/kWh`. */
export type Intensity = Estimate<DimensionOf<"gCO2e/kWh">>;
export type Ratio = Estimate<Dimensionless>;

export type Accelerators = Estimate<DimensionOf<"accelerator">>;
export type PowerPerAccelerator = Estimate<DimensionOf<"W/accelerator">>;
export type CarbonPerAccelerator = Estimate<DimensionOf<"kgCO2e/accelerator">>;
