/**
 * Briefs with a mistake in them, as people write them: each is answered with the line, what stands there, what belongs
 * there and how to mend it. Read the messages as the person who made the mistake.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../src/core/index.ts";
import { makePlan, parseBrief, readBrief } from "../src/plan/index.ts";
import { terrarium } from "./cli.ts";

const folder = mkdtempSync(join(tmpdir(), "briefs-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "text.psv": "this is\nnot a log\n",
  "empty.psv": "",
  "header.psv": "JobIDRaw|JobID|State|ExitCode|Submit|Start|End|ElapsedRaw|AllocNodes|NodeList\n",
  "text.json": "weights go here\n",
  "part.json": `{
  "format": 1,
  "name": "co-designed 1,32,2,64,32,2",
  "int8OperationsPerSecond": 8e10,
  "memoryBytes": 1e9,
  "memoryBytesPerSecond": 8e10,
  "powerWatts": 0.1,
  "usdPerHour": 2e-5,
  "year": 2025,
  "source": "a test"
}
`,
  "powerless.json":
    '{\n  "format": 1,\n  "name": "mine",\n  "int8OperationsPerSecond": 8e10,\n  "powerWatts": -2\n}\n',
  "bert.json": '{\n  "model_type": "bert"\n}\n',
  "binary.yaml": Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d),
  "utf16.yaml": Buffer.from("\ufeffgoal: a plan\n", "utf16le"),
  "misspelt.yaml": "cluster:\n  acelerator: h100-sxm\n",
  "unmeetable.yaml": `model: {candidates: ["(AF)12"], size: 0.2B}
cluster: {accelerator: a100-sxm-80, count: [8]}
constraints: {cost: under 1 USD}
`,
};

beforeAll(() => {
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
  mkdirSync(join(folder, "folder.yaml"));
});

/** What is said about a brief, with the folder it stands in left out. Every complaint has a place and a remedy. */
async function complaint(text: string): Promise<string> {
  return said(() => makePlan(parseBrief(text, join(folder, "brief.yaml")), { seed: 1, version: "test" }));
}

async function said(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const { place, remedy } of error.problems) {
      expect(place?.file, error.message).toBeDefined();
      expect(remedy, error.message).toBeDefined();
    }
    return error.message.replaceAll(`${folder}/`, "");
  }
  throw new Error("nothing was said");
}

/** One model on one machine, so that planning takes no time. */
const SMALL = `model: {candidates: ["(AF)12"], size: 0.2B}
`;
const MACHINE = `cluster: {accelerator: a100-sxm-80, count: [8]}
`;

describe("a broken brief is answered with the place and the remedy:", () => {
  it("a misspelt key", async () => {
    expect(
      await complaint(`cluster:
  acelerator: h100-sxm
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:3  cluster.acelerator
    found     the key "acelerator"
    expected  a key of cluster
    to mend   did you mean "accelerator"?"
`);
  });

  it("a misspelt section", async () => {
    expect(
      await complaint(`clutser:
  count: 8
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:1:1  clutser
    found     the key "clutser"
    expected  a key that is known here
    to mend   did you mean "cluster"?"
`);
  });

  it("a quantity of another kind", async () => {
    expect(
      await complaint(`cluster:
  deadline: 21 kg
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:13  cluster.deadline
    found     "21 kg"
    expected  a time from start to end, such as 21 days
    to mend   write it like 21 days ("21 kg" is in kg, which cannot be read in day)"
`);
  });

  it("a unit that is not known", async () => {
    expect(
      await complaint(`cluster:
  deadline: 21 dayz
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:13  cluster.deadline
    found     "21 dayz"
    expected  a time from start to end, such as 21 days
    to mend   write it like 21 days (the unit "dayz" of "21 dayz" is not known)"
`);
  });

  it("a word for a magnitude", async () => {
    expect(
      await complaint(`data:
  natural: 40 billion tokens
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:12  data.natural
    found     "40 billion tokens"
    expected  unique tokens of natural text, such as 40B tokens
    to mend   write it like 40B tokens (the unit "billion tokens" of "40 billion tokens" is not known)"
`);
  });

  it("a lower limit", async () => {
    expect(
      await complaint(`constraints:
  cost: at least 5 USD
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:9  constraints.cost
    found     "at least 5 USD"
    expected  an amount of money, such as under 1.5M USD
    to mend   write it like under 1.5M USD (a lower limit ("at least") where only an upper one has a meaning)"
`);
  });

  it("a negative count", async () => {
    expect(
      await complaint(`cluster:
  count: -8
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.count
    found     -8
    expected  a whole number of accelerators, at least 1
    to mend   write it like 512 or [256,512]"
`);
  });

  it("half an accelerator", async () => {
    expect(
      await complaint(`cluster:
  count: 8.5
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.count
    found     8.5
    expected  a whole number of accelerators, such as 512, or a list of them, such as [256, 512]
    to mend   write it like 512 or [256,512]"
`);
  });

  it("a count in words, in a list", async () => {
    expect(
      await complaint(`cluster:
  count: [8, many]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.count
    found     [8,"many"]
    expected  a whole number of accelerators, such as 512, or a list of them, such as [256, 512]
    to mend   write it like 512 or [256,512]"
`);
  });

  it("more accelerators than there are", async () => {
    expect(
      await complaint(`cluster:
  count: 100000000
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.count
    found     100000000
    expected  a whole number of accelerators, at most 1000000
    to mend   write it like 512 or [256,512]"
`);
  });

  it("a price below nothing", async () => {
    expect(
      await complaint(`cluster:
  price: -2 USD/accelerator/h
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.price
    found     "-2 USD/accelerator/h"
    expected  what an accelerator costs in an hour, above 0, such as 2.5 USD/accelerator/h
    to mend   write it like 2.5 USD/accelerator/h"
`);
  });

  it("a log that does not exist", async () => {
    expect(
      await complaint(`cluster:
  log: nothere.psv
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:8  cluster.log
    found     "nothere.psv", which does not exist
    expected  the path of a file, taken from the folder of the brief
    to mend   put the file at nothere.psv, or mend the path"
`);
  });

  it("a log that is not a log", async () => {
    expect(
      await complaint(`cluster:
  log: text.psv
`),
    ).toMatchInlineSnapshot(`
      "text.psv:1
        found     "this is"
        expected  a log of one of these kinds: sacct, sacct json, squeue json, nodes json, node events, key values, slurmctld, gpu errors, dcgm metrics, job trace, philly, swf, failure table
        to mend   for jobs, run sacct --allusers --allocations --duplicates --parsable2 --starttime START --endtime END --format=JobIDRaw,JobID,JobName,User,Account,Partition,QOS,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,AllocNodes,NodeList,AllocTRES,ReqTRES,State,ExitCode,Priority,Comment,SubmitLine; of a CSV of failures, say which columns hold node, start, end and category"
    `);
  });

  it("an empty log", async () => {
    expect(
      await complaint(`cluster:
  log: empty.psv
`),
    ).toMatchInlineSnapshot(`
      "empty.psv
        found     an empty file
        expected  a log of one of these kinds: sacct, sacct json, squeue json, nodes json, node events, key values, slurmctld, gpu errors, dcgm metrics, job trace, philly, swf, failure table
        to mend   for jobs, run sacct --allusers --allocations --duplicates --parsable2 --starttime START --endtime END --format=JobIDRaw,JobID,JobName,User,Account,Partition,QOS,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,AllocNodes,NodeList,AllocTRES,ReqTRES,State,ExitCode,Priority,Comment,SubmitLine; of a CSV of failures, say which columns hold node, start, end and category"
    `);
  });

  it("a log without a job", async () => {
    expect(
      await complaint(`cluster:
  log: header.psv
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:8  cluster.log
    found     "header.psv", a log without a single job (header.psv: 1 lines, 0 records)
    expected  a log with the jobs of some days
    to mend   check --starttime and --endtime of the sacct call, or leave cluster.log out"
`);
  });

  it("a log that is a folder", async () => {
    expect(
      await complaint(`cluster:
  log: .
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:8  cluster.log
    found     ".", a folder
    expected  the path of a file, taken from the folder of the brief
    to mend   name a file in it"
`);
  });

  it("a bracket that is not closed", async () => {
    expect(
      await complaint(`cluster:
  accelerator: [h100-sxm
  count: 8
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:3:3
    found     "count: 8"
    expected  YAML or JSON (Flow sequence in block collection must be sufficiently indented and end with a ])
    to mend   close the bracket or quote that was opened before this, or quote the value"
`);
  });

  it("a tab", async () => {
    expect(
      await complaint(`cluster:
	count: 8
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:1
    found     "count: 8"
    expected  YAML or JSON (Tabs are not allowed as indentation)
    to mend   indent with spaces"
`);
  });

  it("a colon in plain text", async () => {
    expect(await complaint("goal: plan: the thing\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:7
        found     "goal: plan: the thing"
        expected  YAML or JSON (Nested mappings are not allowed in compact mappings)
        to mend   put one "key: value" on each line, and quote values that contain ": ""
    `);
  });

  it("a key twice", async () => {
    expect(
      await complaint(`goal: a
goal: b
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:1
    found     "goal: b"
    expected  YAML or JSON (Map keys must be unique)
    to mend   keep one of the two"
`);
  });

  it("two documents", async () => {
    expect(
      await complaint(`goal: a
---
goal: b
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:1
    found     "---"
    expected  one document
    to mend   remove the line "---" and what does not belong"
`);
  });

  it("an alias of nothing", async () => {
    expect(await complaint("goal: *plan\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:7
        found     "*plan"
        expected  an anchor "&plan" that stands before it and does not hold it
        to mend   write the value out, or quote text that begins with "*""
    `);
  });

  it("a value that holds itself", async () => {
    expect(await complaint("objectives: &all [*all]\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:19
        found     "*all"
        expected  an anchor "&all" that stands before it and does not hold it
        to mend   write the value out, or quote text that begins with "*""
    `);
  });

  it("an unknown accelerator", async () => {
    expect(
      await complaint(`cluster:
  accelerator: h100-smx
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:2:16  cluster.accelerator
        found     "h100-smx"
        expected  an accelerator of data/accelerators.csv
        to mend   did you mean "h100-sxm" or "h200-sxm"?"
    `);
  });

  it("the unknown one of several accelerators", async () => {
    expect(
      await complaint(`cluster:
  accelerator: [h100-sxm, b9000]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:27  cluster.accelerator.1
    found     "b9000"
    expected  an accelerator of data/accelerators.csv
    to mend   use one of: v100-sxm-16, v100-sxm-32, a100-sxm-40, a100-sxm-80, a100-pcie-40, a100-pcie-80, a40, l40, l40s, h100-sxm, h100-pcie, h200-sxm, b200-sxm, mi250x, mi300x, tpu-v4, tpu-v5p, tpu-v6e"
`);
  });

  it("an unknown accelerator for serving", async () => {
    expect(
      await complaint(`serving:
  requests_per_day: 1M
  accelerator: h10
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:3:16  serving.accelerator
    found     "h10"
    expected  an accelerator of data/accelerators.csv
    to mend   use one of: v100-sxm-16, v100-sxm-32, a100-sxm-40, a100-sxm-80, a100-pcie-40, a100-pcie-80, a40, l40, l40s, h100-sxm, h100-pcie, h200-sxm, b200-sxm, mi250x, mi300x, tpu-v4, tpu-v5p, tpu-v6e"
`);
  });

  it("a part for serving that does not exist", async () => {
    expect(
      await complaint(`serving:
  requests_per_day: 1M
  accelerator: nothere.json
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:3:16  serving.accelerator
        found     "nothere.json", which does not exist
        expected  the path of a file, taken from the folder of the brief
        to mend   put the file at nothere.json, or mend the path"
    `);
  });

  it("a part for serving without its figures", async () => {
    expect(
      await complaint(`serving:
  requests_per_day: 1M
  accelerator: powerless.json
`),
    ).toMatchInlineSnapshot(`
      "powerless.json:1:1  memoryBytes
        found     nothing
        expected  a number above 0: DRAM beside the die
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like

      powerless.json:1:1  memoryBytesPerSecond
        found     nothing
        expected  a number above 0: bandwidth of the memory
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like

      powerless.json:5:17  powerWatts
        found     -2
        expected  a number above 0: draw at full load
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like

      powerless.json:1:1  usdPerHour
        found     nothing
        expected  a number above 0: what an hour of it costs
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like

      powerless.json:1:1  year
        found     nothing
        expected  a number
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like

      powerless.json:1:1  source
        found     nothing
        expected  text
        to mend   name a file that terrarium codesign run wrote, or complete this one after its like"
    `);
  });

  it("a part to train on", async () => {
    expect(
      await complaint(`cluster:
  accelerator: part.json
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:2:16  cluster.accelerator
        found     "part.json", an accelerator of a file
        expected  an accelerator of data/accelerators.csv: one of a file computes in int8 and trains nothing
        to mend   name it under serving.accelerator"
    `);
  });

  it("a model that a part's memory does not hold", async () => {
    expect(
      await complaint(`model: {candidates: ["(AF)12"], size: 2B}
${MACHINE}serving:
  requests_per_day: 1000
  accelerator: part.json
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:4:3  serving
        found     2.0 GB of weights on each of 1 x co-designed 1,32,2,64,32,2, where there must be less than the 0.9 GB that are usable
        expected  a brief that leaves at least one possible answer to "On how many accelerators to serve, and laid out how?"
        to mend   use more accelerators a replica (up to a node), smaller weights (fp8, int4) or larger memory"
    `);
  });

  it("an unknown letter in an architecture", async () => {
    expect(
      await complaint(`model:
  candidates: ["(AX)16"]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:16  model.candidates.0
    found     "(AX)16": "X"
              (AX)16
                ^
    expected  one of A, W, S, H, F, E
    to mend   A grouped-query attention, W sliding-window attention, S Mamba-2 state space, H intra-layer hybrid, F feed-forward, E mixture of experts"
`);
  });

  it("an unbalanced parenthesis", async () => {
    expect(
      await complaint(`model:
  candidates:
    - "(AF)16"
    - "(SF)3 (AF"
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:4:7  model.candidates.1
    found     "(SF)3 (AF": "(" without its ")"
              (SF)3 (AF
                    ^
    expected  every group closed
    to mend   add the missing ")""
`);
  });

  it("an architecture without layers", async () => {
    expect(
      await complaint(`model:
  candidates: [""]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:16  model.candidates.0
    found     "": no layers
              
              ^
    expected  one of A, W, S, H, F, E
    to mend   name at least one layer, for example AF"
`);
  });

  it("a published model that there is not", async () => {
    expect(
      await complaint(`model:
  candidates: [llama-3-9b]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:16  model.candidates.0
    found     "llama-3-9b"
    expected  a layer string, the name of a published model, or the path of a config.json
    to mend   did you mean "llama-3-8b" or "llama-2-7b" or "llama-3-70b"?"
`);
  });

  it("one architecture where a list belongs", async () => {
    expect(
      await complaint(`model:
  candidates: (AF)16
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:15  model.candidates
    found     "(AF)16"
    expected  a list of architectures, such as ["(AF)16", "(SF)3 AF (SF)3"]
    to mend   write it like ["(AF)16","(SF)3 AF (SF)3 AF (SF)5"]"
`);
  });

  it("a config.json that does not exist", async () => {
    expect(
      await complaint(`model:
  candidates: [nothere/config.json]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:16  model.candidates.0
    found     "nothere/config.json", which does not exist
    expected  the path of a file, taken from the folder of the brief
    to mend   put the file at nothere/config.json, or mend the path"
`);
  });

  it("a config.json that is not JSON", async () => {
    expect(
      await complaint(`model:
  candidates: [text.json]
`),
    ).toMatchInlineSnapshot(`
  "text.json:1:1
    found     "weights go here"
    expected  keys with values
    to mend   write "key: value" with keys among: model_type, ssm_cfg"
`);
  });

  it("a config.json of another family", async () => {
    expect(
      await complaint(`model:
  candidates: [bert.json]
`),
    ).toMatchInlineSnapshot(`
  "bert.json:2:17  model_type
    found     "bert"
    expected  a known family of models
    to mend   use one of: llama, mistral, mixtral, qwen2, qwen3, qwen2_moe, qwen3_moe, mamba2, bamba, falcon_h1, nemotron_h"
`);
  });

  it("an unknown region", async () => {
    expect(
      await complaint(`grid:
  region: US-CAL-CISSO
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:2:11  grid.region
        found     the grid zone "US-CAL-CISSO"
        expected  a zone, country or energy source of data/grids.csv, or an intensity such as 57 gCO2e/kWh
        to mend   did you mean "US-CAL-CISO" or "US-CAL-TIDC" or "US-CAL-BANC"?"
    `);
  });

  it("a country of many zones", async () => {
    expect(
      await complaint(`grid:
  region: [FR, "NO"]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:16  grid.region.1
    found     the grid zone "NO"
    expected  a zone, country or energy source of data/grids.csv, or an intensity such as 57 gCO2e/kWh
    to mend   zones of "NO": IT-NO, NO-NO1, NO-NO2, NO-NO3, NO-NO4, NO-NO5"
`);
  });

  it("an intensity in another unit", async () => {
    expect(
      await complaint(`grid:
  region: 57 kWh
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:2:11  grid.region
        found     "57 kWh"
        expected  a grid zone, a country, or an intensity such as 57 gCO2e/kWh
        to mend   "57 kWh" is in kWh, which cannot be read in gCO2e/kWh"
    `);
  });

  it("a backwards range", async () => {
    expect(
      await complaint(`model:
  size: 3B..0.5B
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:9  model.size
    found     "3B..0.5B"
    expected  a number of parameters or a range of it, such as 0.5B..3B
    to mend   write it like 0.5B..3B (the range runs backwards: 3B..0.5B)"
`);
  });

  it("a range with three ends", async () => {
    expect(
      await complaint(`model:
  size: 1B..2B..3B
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:9  model.size
    found     "1B..2B..3B"
    expected  a number of parameters or a range of it, such as 0.5B..3B
    to mend   write it like 0.5B..3B (more than one ".." in "1B..2B..3B")"
`);
  });

  it("a range with a hyphen", async () => {
    expect(
      await complaint(`model:
  size: 1B-3B
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:9  model.size
    found     "1B-3B"
    expected  a number of parameters or a range of it, such as 0.5B..3B
    to mend   write it like 0.5B..3B (the unit "-3B" of "1B-3B" is not known)"
`);
  });

  it("a size that the architecture cannot have", async () => {
    expect(await complaint('model: {candidates: ["(AF)16"], size: 1k}\n')).toMatchInlineSnapshot(`
      "brief.yaml:1:39  model.size
        found     1000 parameters
        expected  a size that (AF)16 can have: 20.6 M parameters at width 128 to 245 B at width 32768
        to mend   change the size, or the number of layers of the candidate"
    `);
  });

  it("an empty list", async () => {
    expect(
      await complaint(`model:
  candidates: []
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:15  model.candidates
    found     []
    expected  at least one architecture
    to mend   write it like ["(AF)16","(SF)3 AF (SF)3 AF (SF)5"]"
`);
  });

  it("an empty section", async () => {
    expect(await complaint("cluster:\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:9  cluster
        found     nothing
        expected  keys with values
        to mend   give it a value, or leave the key out"
    `);
  });

  it("a list where keys belong", async () => {
    expect(await complaint("model: [1, 2]\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:8  model
        found     [1,2]
        expected  keys with values
        to mend   write "key: value" with keys among: candidates, size, context"
    `);
  });

  it("a brief that is a sentence", async () => {
    expect(await complaint("just text\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:1
        found     "just text"
        expected  keys with values
        to mend   write "key: value" with keys among: goal, model, data, cluster, grid, serving, objectives, constraints"
    `);
  });

  it("zero context", async () => {
    expect(
      await complaint(`model:
  context: 0
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:12  model.context
    found     0
    expected  a length in tokens, above 0, such as 32k
    to mend   write it like 32k"
`);
  });

  it("a context longer than a batch", async () => {
    expect(
      await complaint(`model:
  candidates: ["(AF)2"]
  size: 0.1B
  context: 100M
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:4:12  model.context
        found     a context of 104857600 tokens
        expected  at most the 4194304 tokens of an optimiser step
        to mend   shorten model.context"
    `);
  });

  it("an objective twice", async () => {
    expect(await complaint("objectives: [loss, cost, loss]\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:13  objectives
        found     ["loss","cost","loss"]
        expected  each objective once
        to mend   write it like ["loss","cost"]"
    `);
  });

  it("an unknown objective", async () => {
    expect(await complaint("objectives: [los]\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:14  objectives.0
        found     "los"
        expected  one of loss, days, cost, carbon, energy
        to mend   did you mean "loss"?"
    `);
  });

  it("an objective that is not in a list", async () => {
    expect(await complaint("objectives: loss\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:13  objectives
        found     "loss"
        expected  a list
        to mend   write it like ["loss","cost"]"
    `);
  });

  it("a confidence of 1.5", async () => {
    expect(
      await complaint(`constraints:
  confidence: 1.5
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:15  constraints.confidence
    found     1.5
    expected  a probability above 0 and below 1, such as 0.9
    to mend   write it like 0.9"
`);
  });

  it("serving nothing", async () => {
    expect(
      await complaint(`serving:
  prompt: 4k
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:3  serving.requests_per_day
    found     nothing
    expected  requests a day, such as 2M
    to mend   write it like 2M"
`);
  });

  it("infinity", async () => {
    expect(
      await complaint(`model:
  size: .inf
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:9  model.size
    found     Infinity
    expected  a number of parameters or a range of it, such as 0.5B..3B
    to mend   write it like 0.5B..3B"
`);
  });

  it("three mistakes at once", async () => {
    expect(
      await complaint(`cluster:
  count: -1
  deadline: 4 kg
objectives: [x]
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:2:10  cluster.count
    found     -1
    expected  a whole number of accelerators, at least 1
    to mend   write it like 512 or [256,512]

  brief.yaml:3:13  cluster.deadline
    found     "4 kg"
    expected  a time from start to end, such as 21 days
    to mend   write it like 21 days ("4 kg" is in kg, which cannot be read in day)

  brief.yaml:4:14  objectives.0
    found     "x"
    expected  one of loss, days, cost, carbon, energy
    to mend   use one of: loss, days, cost, carbon, energy"
`);
  });

  it("constraints that contradict each other", async () => {
    expect(
      await complaint(`${SMALL}${MACHINE}constraints:
  loss: under 3.2
  cost: under 40 USD
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:5:9  constraints.cost
    found     cost under 40 USD together with loss under 3.2 nats
    expected  limits that one design meets at once, each with probability 0.9: with loss under 3.2 nats, the design with the least cost stays under 1165 USD
    to mend   raise one of the two (loss under 3.2 nats is constraints.loss, line 4), or widen what the brief leaves open"
`);
  });

  it("a constraint that no plan meets", async () => {
    expect(
      await complaint(`${SMALL}${MACHINE}constraints:
  cost: under 1 USD
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:4:9  constraints.cost
    found     cost under 1 USD
    expected  a limit that one of 18 designs meets with probability 0.9: the one with the least cost stays under 39.3 USD
    to mend   raise the limit, widen what the brief leaves open, or lower constraints.confidence"
`);
  });

  it("a deadline that no plan meets", async () => {
    expect(
      await complaint(`${SMALL}objectives: [cost]
constraints:
  confidence: 0.99
cluster: {accelerator: a100-sxm-80, count: [8], deadline: 1 s}
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:5:59  cluster.deadline
    found     days under 1.16e-5 days
    expected  a limit that one of 18 designs meets with probability 0.99: the one with the least days stays under 0.111 days
    to mend   raise the limit, widen what the brief leaves open, or lower constraints.confidence"
`);
  });

  it("a bound on serving that nothing meets", async () => {
    expect(
      await complaint(`${SMALL}${MACHINE}serving:
  requests_per_day: 1M
  first_token: under 0.001 ms
`),
    ).toMatchInlineSnapshot(`
  "brief.yaml:5:16  serving.first_token
    found     0.000001 s to the first token, where there must be bounds that the fastest layout can meet; its first token takes 0.00306 s
    expected  a brief that leaves at least one possible answer to "On how many accelerators to serve, and laid out how?"
    to mend   relax the bounds, shorten the prompt, or use faster accelerators or a smaller model"
`);
  });

  it("a prompt that no cache holds", async () => {
    expect(
      await complaint(`${SMALL}${MACHINE}serving:
  requests_per_day: 1M
  prompt: 1000M
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:4:3  serving
        found     2 s to the first token, where there must be a context of 1048576256 tokens whose cache fits beside the weights
        expected  a brief that leaves at least one possible answer to "On how many accelerators to serve, and laid out how?"
        to mend   relax the bounds, shorten the prompt, or use faster accelerators or a smaller model"
    `);
  });

  it("a model too large for one accelerator", async () => {
    expect(
      await complaint(`model: {candidates: [llama-3-70b]}
cluster:
  accelerator: a100-sxm-80
  count: [1]
`),
    ).toMatchInlineSnapshot(`
      "brief.yaml:4:10  cluster.count
        found     1 x a100-sxm-80 cannot hold the training state of llama-3-70b, 70.6 B parameters: 1211 GiB/accelerator are needed, 74.5 GiB/accelerator are there
        expected  a brief that leaves at least one possible answer to "On which accelerators, and on how many?"
        to mend   lower model.size, raise cluster.count, or choose another accelerator"
    `);
  });

  it("a brief that does not exist", async () => {
    expect(await said(() => readBrief(join(folder, "nothere.yaml")))).toMatchInlineSnapshot(`
      "nothere.yaml
        found     no such file
        expected  a brief in YAML; see examples/
        to mend   check the path; it is taken from the folder that the command runs in"
    `);
  });

  it("a brief that is a folder", async () => {
    expect(await said(() => readBrief(join(folder, "folder.yaml")))).toMatchInlineSnapshot(`
      "folder.yaml
        found     a folder
        expected  a brief in YAML; see examples/
        to mend   check the path; it is taken from the folder that the command runs in"
    `);
  });

  it("a brief that is a picture", async () => {
    expect(await said(() => readBrief(join(folder, "binary.yaml")))).toMatchInlineSnapshot(`
      "binary.yaml
        found     a binary file, or text in UTF-16
        expected  a brief in YAML; see examples/, as text in UTF-8
        to mend   check the path, or save the file as UTF-8"
    `);
  });

  it("a brief in UTF-16", async () => {
    expect(await said(() => readBrief(join(folder, "utf16.yaml")))).toMatchInlineSnapshot(`
      "utf16.yaml
        found     a binary file, or text in UTF-16
        expected  a brief in YAML; see examples/, as text in UTF-8
        to mend   check the path, or save the file as UTF-8"
    `);
  });
});

describe("the command line on a broken brief", () => {
  it.each([
    ["misspelt.yaml", "misspelt.yaml:2:3  cluster.acelerator"],
    ["unmeetable.yaml", "unmeetable.yaml:3:21  constraints.cost"],
    ["nothere.yaml", "nothere.yaml"],
  ])("%s: exit code 2, the message on standard error, nothing on standard output", async (name, place) => {
    const { code, stdout, stderr } = await terrarium(["plan", name, "--json"], folder);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    // A slow machine sees lines of progress before it.
    const lines = stderr.trimEnd().split("\n");
    const [first, ...rest] = lines.filter((line) => !line.startsWith("sketching designs"));
    expect(first).toBe(place);
    expect(rest.map((line) => line.slice(0, 12).trim())).toEqual(["found", "expected", "to mend"]);
    expect(stderr).not.toMatch(/\bat .*:\d+:\d+\)?$/m);
  });
});
