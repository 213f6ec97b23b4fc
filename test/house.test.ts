/** The house of ARCHITECTURE.md, held by reading every import under src/. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/** Rooms from the ground up; a room may import only from rooms of an earlier line. */
const FLOORS: readonly (readonly string[])[] = [
  ["core"],
  ["view", "model"],
  ["engine", "search", "hardware"],
  ["lab"],
  ["laws", "posttrain", "inference", "fleet", "grid", "carbon"],
  ["compose", "codesign", "agent"],
  ["plan"],
  ["cli", "server"],
];

const source = fileURLToPath(new URL("../src", import.meta.url));

interface Import {
  readonly from: string;
  readonly to: string;
}

function sourceFiles(): string[] {
  return readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
}

/** Relative imports, exports-from and dynamic imports of a file, as paths from src/. */
function importsOf(path: string): Import[] {
  const text = readFileSync(join(source, path), "utf8");
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)["'](\.{1,2}\/[^"']+)["']/g)].map(
    (match) => ({
      from: path,
      to: relative(source, resolve(source, dirname(path), match[1]!)),
    }),
  );
}

const roomOf = (path: string) => path.split("/")[0]!;
const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));

/** Imports that break the house: from the room's own floor or above, or past another room's index. */
function breaches(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, to }) => {
    const [room, other] = [roomOf(from), roomOf(to)];
    if (room === other || to.startsWith("..")) return [];
    if (floorOf(other) >= floorOf(room)) {
      return [
        `src/${from} imports src/${to}: ${room} stands on floor ${floorOf(room)}, ${other} on ${floorOf(other)}`,
      ];
    }
    const face = to === `${other}/index.ts` || from.endsWith(".test.ts");
    return face ? [] : [`src/${from} imports src/${to}: a room is entered through src/${other}/index.ts`];
  });
}

describe("the house", () => {
  const files = sourceFiles();

  it("has a floor for every room", () => {
    const rooms = new Set(files.filter((path) => path.includes("/")).map(roomOf));
    expect([...rooms].filter((room) => floorOf(room) < 0)).toEqual([]);
  });

  it("imports only from below, and through the face of a room", () => {
    expect(breaches(files.flatMap(importsOf))).toEqual([]);
  });

  it("notices what breaks it, naming both files", () => {
    expect(
      breaches([
        { from: "carbon/grids.ts", to: "fleet/index.ts" },
        { from: "core/units.ts", to: "model/index.ts" },
        { from: "plan/plan.ts", to: "fleet/ettr.ts" },
        { from: "plan/plan.ts", to: "fleet/index.ts" },
      ]),
    ).toEqual([
      "src/carbon/grids.ts imports src/fleet/index.ts: carbon stands on floor 4, fleet on 4",
      "src/core/units.ts imports src/model/index.ts: core stands on floor 0, model on 1",
      "src/plan/plan.ts imports src/fleet/ettr.ts: a room is entered through src/fleet/index.ts",
    ]);
  });

  it("gives every room a face and a README", () => {
    const rooms = [...new Set(files.filter((path) => path.includes("/")).map(roomOf))];
    const present = (room: string, name: string) => readdirSync(join(source, room)).includes(name);
    const sciences = rooms.filter((room) => room !== "cli");
    expect(sciences.filter((room) => !present(room, "index.ts"))).toEqual([]);
    expect(sciences.filter((room) => !present(room, "README.md"))).toEqual([]);
  });
});
