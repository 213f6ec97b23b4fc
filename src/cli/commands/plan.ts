/** `terrarium plan`: the main job. */
import { join } from "node:path";
import { Command } from "commander";
import { type CommonOptions, print, progressLine, withCommonOptions, writeFiles } from "../output.ts";

export function planCommand(version: string): Command {
  return withCommonOptions(new Command("plan"), { out: true })
    .description("Turn a brief into a plan: decisions, what follows from each, and how sure that is.")
    .argument("<brief>", "a brief in YAML or JSON")
    .addHelpText(
      "after",
      `
A brief says what is fixed and leaves open what is to be decided; every part is optional:

  goal: a 1B-class base model for 32k-token documents
  model: { candidates: ["(AF)16", "(SF)3 AF (SF)3 AF (SF)5"], size: 0.5B..3B, context: 32k }
  data: { natural: 40B tokens, rephrased: up to 30B tokens, repeats: up to 4 }
  cluster: { accelerator: h100-sxm, count: 512, log: sacct.psv, deadline: 21 days }
  grid: { region: US-CAL-CISO }
  serving: { requests_per_day: 2M, prompt: 4k, output: 400, first_token: under 500 ms }
  objectives: [loss, carbon, cost, days]
  constraints: { cost: under 1.5M USD }

Editors complete it from schemas/brief.schema.json. With --out the folder receives plan.json and report.html.`,
    )
    .action(async (path: string, options: CommonOptions) => {
      const { htmlReport, makePlan, readBrief, terminalReport } = await import("../../plan/index.ts");
      const plan = await makePlan(readBrief(path), { seed: options.seed, version, progress: progressLine() });
      print(options, plan, () => terminalReport(plan));
      if (options.out !== undefined) {
        writeFiles(options.out, {
          "plan.json": `${JSON.stringify(plan, null, 2)}\n`,
          "report.html": await htmlReport(plan),
        });
        process.stderr.write(
          `\nreport: ${join(options.out, "report.html")}\nplan:   ${join(options.out, "plan.json")}\n`,
        );
      }
    });
}
