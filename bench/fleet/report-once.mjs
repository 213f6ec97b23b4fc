// One report by the built library, with what it took: a child of the bench, so that nothing else is in its figures.
const began = performance.now();
const { Sampler } = await import("../../dist/core/index.js");
const { readClusterLog, reliabilityReport } = await import("../../dist/fleet/index.js");

const report = reliabilityReport(await readClusterLog(process.argv.slice(2)), new Sampler(1));
const { user, system } = process.cpuUsage();
process.stdout.write(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    processorSeconds: (user + system) / 1e6,
    peakMebibytes: process.resourceUsage().maxRSS / 1024,
    figures: report,
  }),
);
