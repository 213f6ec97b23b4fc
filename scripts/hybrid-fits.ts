/** Writes `data/hybrid-fits.csv`: the laws of the published families, fitted to `data/hybrid-runs.csv`. */
import { writeFileSync } from "node:fs";
import { dataFile } from "../src/core/index.ts";
import { FITS_FILE, fitFamilies, fitsTable } from "../src/laws/architectures.ts";

writeFileSync(dataFile(FITS_FILE), fitsTable(fitFamilies()));
