import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crowdingDistances, dominates, fronts, paretoFront } from "./front.ts";
import { hypervolume, hypervolumeImprovement } from "./hypervolume.ts";

const negated = (points: number[][]) => points.map((point) => point.map((value) => -value));

describe("hypervolume, published cases", () => {
  const five = [
    [8.5, 3],
    [8.5, 3.5],
    [5, 5],
    [9, 1],
    [4, 5],
  ];
  it("of botorch's tests in two, three and four objectives (maximised there)", () => {
    expect(hypervolume(negated(five), [0, 0])).toBeCloseTo(37.75, 12);
    expect(hypervolume(negated(five), [-1, -0.5])).toBeCloseTo(28.75, 12);
    const corners = (m: number) =>
      Array.from({ length: m }, (_, i) => Array.from({ length: m }, (_, j) => (i === j ? -1 : 0)));
    expect(hypervolume(negated(corners(3)), [2.1, 2.5, 2.3])).toBeCloseTo(11.075, 12);
    expect(hypervolume(negated(corners(4)), [2.1, 2.5, 2.3, 2])).toBeCloseTo(23.15, 12);
  });

  it("improvement of botorch's qEHVI test: one deterministic sample of one or two points, reference 0", () => {
    const before = hypervolume(negated(five), [0, 0]);
    for (const [points, expected] of [
      [[[6.5, 4.5]], 1.5],
      [
        [
          [6.5, 4.5],
          [7, 4],
        ],
        1.75,
      ],
      [
        [
          [6.5, 4.5],
          [6, 4],
        ],
        1.5,
      ],
      [
        [
          [2, 2],
          [0, 0.1],
        ],
        0,
      ],
      [
        [
          [6.5, 4.5],
          [6, 6],
        ],
        8,
      ],
    ] as [number[][], number][])
      expect(hypervolume(negated([...five, ...points]), [0, 0]) - before).toBeCloseTo(expected, 12);
  });

  it("of Optuna's tests: staircases in two and three, unit rows in any number of objectives", () => {
    for (const n of [1, 2, 5, 12]) {
      const stairs = Array.from({ length: n }, (_, i) => [i, n - 1 - i]);
      expect(hypervolume(stairs, [n, n])).toBe(n * n - (n * (n - 1)) / 2);
      const plane: number[][] = [];
      for (let x = 0; x < n; x++) for (let y = 0; x + y < n; y++) plane.push([x, y, n - 1 - x - y]);
      expect(hypervolume(plane, [n, n, n])).toBe(n ** 3 - ((n - 1) * n * (n + 1)) / 6);
    }
    for (const m of [2, 3, 4, 5]) {
      const rows = Array.from({ length: m }, (_, i) => Array.from({ length: m }, (_, j) => Number(i === j)));
      expect(hypervolume(rows, new Array<number>(m).fill(10))).toBeCloseTo(10 ** m - 1, 6);
    }
  });

  // Maxima of test problems with these reference points (reference, 7.3), approached by a dense sample of the front.
  it.each([
    ["ZDT1", (x: number) => 1 - Math.sqrt(x), 11, 120.666667],
    ["ZDT1", (x: number) => 1 - Math.sqrt(x), 1.1, 0.876667],
    ["ZDT2", (x: number) => 1 - x * x, 11, 120.333333],
    ["ZDT2", (x: number) => 1 - x * x, 1.1, 0.543333],
    ["ZDT3", (x: number) => 1 - Math.sqrt(x) - x * Math.sin(10 * Math.PI * x), 11, 128.77811613],
    ["ZDT3", (x: number) => 1 - Math.sqrt(x) - x * Math.sin(10 * Math.PI * x), 1.1, 1.331762],
  ] as const)("of %s's front", (_, second, reference, expected) => {
    const front = Array.from({ length: 20_001 }, (_, i) => [i / 20_000, second(i / 20_000)]);
    expect(hypervolume(front, [reference, reference])).toBeCloseTo(expected, 3);
  });

  it("of DTLZ2's and DTLZ1's fronts (the latter as geometry has it, not as botorch prints it)", () => {
    const arc = Array.from({ length: 4001 }, (_, i) => (i / 4000) * (Math.PI / 2)).map((t) => [
      Math.cos(t),
      Math.sin(t),
    ]);
    expect(hypervolume(arc, [1.1, 1.1])).toBeCloseTo(0.424602, 3);
    const line = Array.from({ length: 4001 }, (_, i) => [(0.5 * i) / 4000, 0.5 - (0.5 * i) / 4000]);
    expect(hypervolume(line, [400, 400])).toBeCloseTo(159_999.875, 3);
    const sphere: number[][] = [];
    for (let i = 0; i <= 100; i++)
      for (let j = 0; j <= 100; j++) {
        const [a, b] = [(i * Math.PI) / 200, (j * Math.PI) / 200];
        sphere.push([Math.cos(a) * Math.cos(b), Math.cos(a) * Math.sin(b), Math.sin(a)]);
      }
    expect(hypervolume(sphere, [1.1, 1.1, 1.1])).toBeCloseTo(0.807401, 1);
  });
});

describe("hypervolume, properties", () => {
  const cloud = (m: number) =>
    fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: m, maxLength: m }), { maxLength: 12 });

  /** Counts unit cells, which is exact on whole coordinates. */
  const byCells = (points: number[][], side: number, m: number): number => {
    let count = 0;
    for (let cell = 0; cell < side ** m; cell++) {
      const corner = Array.from({ length: m }, (_, k) => Math.floor(cell / side ** k) % side);
      if (points.some((point) => point.every((value, k) => value <= corner[k]!))) count++;
    }
    return count;
  };

  it.each([2, 3, 4])("equals the count of dominated cells in %i objectives", (m) => {
    fc.assert(
      fc.property(cloud(m), (points) => {
        expect(hypervolume(points, new Array<number>(m).fill(5))).toBeCloseTo(byCells(points, 5, m), 9);
      }),
    );
  });

  it("grows by what a point improves it, and by nothing for a dominated one", () => {
    fc.assert(
      fc.property(cloud(3), cloud(3), (points, more) => {
        const reference = [5, 5, 5];
        for (const point of more) {
          const before = hypervolume(points, reference);
          const gain = hypervolumeImprovement(point, points, reference);
          expect(hypervolume([...points, point], reference)).toBeCloseTo(before + gain, 9);
        }
      }),
    );
  });
});

describe("fronts and crowding", () => {
  const clouds = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
    minLength: 1,
    maxLength: 30,
  });

  it("keeps exactly what nothing dominates, of equal points the first", () => {
    fc.assert(
      fc.property(clouds, (points) => {
        const expected = points.flatMap((point, i) => {
          const beaten = points.some((other) => dominates(other, point));
          const repeated = points.slice(0, i).some((other) => other[0] === point[0] && other[1] === point[1]);
          return beaten || repeated ? [] : [i];
        });
        expect(paretoFront(points)).toEqual(expected);
      }),
    );
  });

  it("sorts every point into one front, each dominated by one of the front before", () => {
    fc.assert(
      fc.property(clouds, (points) => {
        const sorted = fronts(points);
        expect(sorted.flat().sort((a, b) => a - b)).toEqual(points.map((_, i) => i));
        sorted.slice(1).forEach((front, i) => {
          for (const worse of front)
            expect(sorted[i]!.some((better) => dominates(points[better]!, points[worse]!))).toBe(true);
        });
      }),
    );
  });

  it("has pymoo's crowding distances", () => {
    expect(
      crowdingDistances([
        [0, 0],
        [0.5, 50],
        [1, 100],
      ]),
    ).toEqual([Infinity, 1, Infinity]);
  });
});
