import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Database } from "./table.ts";

it("queries a file with bound parameters and streams the rows", async () => {
  const folder = mkdtempSync(join(tmpdir(), "terrarium-"));
  const file = join(folder, "rows.csv");
  writeFileSync(file, `n,text\n${Array.from({ length: 5000 }, (_, i) => `${i},row ${i}`).join("\n")}\n`);
  const database = await Database.open();
  try {
    await database.run("create table t as select * from read_csv($file)", { file });
    expect(await database.one("select count(*) as rows, sum(n) as total from t")).toEqual({
      rows: 5000,
      total: (4999 * 5000) / 2,
    });
    let seen = 0;
    for await (const row of database.stream("select * from t order by n")) expect(row.n).toBe(seen++);
    expect(seen).toBe(5000);
  } finally {
    database.close();
    rmSync(folder, { recursive: true });
  }
});
