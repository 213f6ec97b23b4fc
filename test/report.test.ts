/// <reference lib="dom" />
/** Reports as their readers see them: in Chromium, light, dark and on paper, on a desk and on a telephone. */
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as carbon from "../src/carbon/index.ts";
import { Sampler } from "../src/core/index.ts";
import { htmlReport } from "../src/plan/index.ts";
import { examplePlan } from "./examples.ts";
import { missingProgram, program } from "./requirements.ts";

const VIEWS = [
  { name: "light, 1000 wide", width: 1000, colorScheme: "light", media: "screen" },
  { name: "dark, 1000 wide", width: 1000, colorScheme: "dark", media: "screen" },
  { name: "light, 400 wide", width: 400, colorScheme: "light", media: "screen" },
  { name: "dark, 400 wide", width: 400, colorScheme: "dark", media: "screen" },
  { name: "on paper", width: 794, colorScheme: "dark", media: "print" },
] as const;

const PAGES = {
  plan: async () => htmlReport(await examplePlan("examples/hybrid-1b/brief.yaml")),
  ledger: async () => {
    const model = await carbon.ledgerModel("examples/carbon/model.yaml");
    const total = (sampler: Sampler) => carbon.ledgerTotals(model(sampler)).total;
    const moved = carbon.sensitivity("total carbon", total, 1);
    return carbon.htmlReport(carbon.ledgerReport(model(new Sampler(1)), moved));
  },
};

describe.skipIf(missingProgram("chromium", "chromium"))("a report in a browser", () => {
  let browser: Browser;
  const pages: Record<string, string> = {};
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: program("chromium")!, args: ["--no-sandbox"] });
    for (const [name, made] of Object.entries(PAGES)) pages[name] = await made();
  });
  afterAll(() => browser?.close());

  /** Opens a report; `complaints` collects what the browser says and what the page asks of the network. */
  async function open(
    report: string,
    { width, colorScheme, media }: (typeof VIEWS)[number],
    complaints: string[] = [],
  ) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.on("console", (message) => complaints.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
    page.on("request", (request) => complaints.push(`request: ${request.url()}`));
    await page.emulateMedia({ media });
    await page.setContent(pages[report]!, { waitUntil: "load" });
    return page;
  }

  const shown = Object.keys(PAGES).flatMap((report) => VIEWS.map((view) => ({ report, view })));
  describe.each(shown)("$report, $view.name", ({ report, view }) => {
    let page: Page;
    const complaints: string[] = [];
    beforeAll(async () => {
      page = await open(report, view, complaints);
    });
    afterAll(() => page?.close());

    it("asks nothing of the network and brings no complaint", () => expect(complaints).toEqual([]));

    it("is no wider than the window", async () => {
      const [content, window] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        document.documentElement.clientWidth,
      ]);
      expect(content).toBeLessThanOrEqual(window!);
    });

    it("has text that stands out from what it is written on", async () => {
      expect(await page.evaluate(faintTexts)).toEqual([]);
    });

    it("has charts whose letters are large enough to read", async () => {
      const sizes = await page.evaluate(() =>
        [...document.querySelectorAll("svg")].map((svg) => {
          const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
          return scale * Number.parseFloat(getComputedStyle(svg).fontSize);
        }),
      );
      expect(Math.min(...sizes)).toBeGreaterThan(9);
    });

    it("has charts whose labels are whole and apart", async () => {
      expect(await page.evaluate(labelFaults)).toEqual([]);
    });
  });

  it.each(Object.keys(PAGES))("the %s holds no address that a browser would load", (report) => {
    expect(pages[report]!.match(/\b(?:src|href|action)\s*=\s*["'](?!#)[^"']*/g) ?? []).toEqual([]);
    expect(pages[report]).not.toMatch(/<script|@import|url\(/);
  });

  it("names a quantity and its unit on the axes of every chart", async () => {
    const page = await open("plan", VIEWS[0]);
    const labels = await page.evaluate(() =>
      [...document.querySelectorAll("svg")].map((svg) =>
        [...svg.querySelectorAll("[aria-label$='axis label'] text, [aria-label$='axis label']")]
          .map((label) => label.textContent ?? "")
          .filter((text) => text !== ""),
      ),
    );
    await page.close();
    expect(labels.length).toBeGreaterThan(3);
    for (const texts of labels) {
      expect(texts.length).toBeGreaterThan(0);
      for (const text of texts) expect(text).toMatch(/\(.+\)/);
    }
  });

  it("shows on paper what is folded on a screen", async () => {
    const page = await open("plan", VIEWS.find(({ media }) => media === "print")!);
    const heights = await page.evaluate(() =>
      [...document.querySelectorAll("details table tbody")].map(
        (body) => body.getBoundingClientRect().height,
      ),
    );
    await page.close();
    expect(heights.length).toBeGreaterThan(0);
    for (const height of heights) expect(height).toBeGreaterThan(10);
  });

  it("leads every link to a place in the page", async () => {
    const page = await open("plan", VIEWS[0]);
    const links = await page.evaluate(() =>
      [...document.querySelectorAll("a")].map((a) => ({
        href: a.getAttribute("href") ?? "",
        found: document.getElementById((a.getAttribute("href") ?? "#").slice(1)) !== null,
      })),
    );
    const twice = await page.evaluate(() => {
      const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
      return ids.filter((id, i) => ids.indexOf(id) !== i);
    });
    await page.close();
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter(({ href, found }) => !href.startsWith("#") || !found)).toEqual([]);
    expect(twice).toEqual([]);
  });
});

/** Texts of the page whose contrast with the paper is under 4.5 to 1 (WCAG 2.1, success criterion 1.4.3). Runs in the page. */
function faintTexts(): string[] {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
  const known = new Map<string, number[]>();
  const channels = (colour: string): number[] => {
    const before = known.get(colour);
    if (before) return before;
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    known.set(colour, [...canvas.getImageData(0, 0, 1, 1).data]);
    return known.get(colour)!;
  };
  const luminance = (colour: number[]): number => {
    const [r, g, b] = colour.map((c) => {
      const share = c / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const paperOf = (element: Element | null): number[] => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const faint = new Set<string>();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const parent = node.parentElement!;
    const text = node.textContent!.trim();
    const box = parent.getBoundingClientRect();
    // A bullet of a legend carries a chart's colour, which need not be readable as text.
    if (text === "" || text === "●" || box.width === 0 || parent.closest("style")) continue;
    const svg = parent.closest("svg");
    const ink = luminance(channels(getComputedStyle(parent)[svg ? "fill" : "color"]));
    const paper = luminance(paperOf(svg ?? parent));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) faint.add(`${text.slice(0, 40)}: ${contrast.toFixed(1)}`);
  }
  return [...faint];
}

/** Labels of charts that are cut off by the chart's edge or lie on one another. Runs in the page. */
function labelFaults(): string[] {
  const faults: string[] = [];
  for (const svg of document.querySelectorAll("figure svg")) {
    const edge = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent !== "")
      .map((text) => ({ text: text.textContent!, box: text.getBoundingClientRect() }));
    for (const { text, box } of labels) {
      const out = Math.max(
        edge.left - box.left,
        box.right - edge.right,
        edge.top - box.top,
        box.bottom - edge.bottom,
      );
      if (out > 1) faults.push(`"${text}" is cut off by ${out.toFixed(0)} px`);
    }
    for (const [i, a] of labels.entries()) {
      for (const b of labels.slice(i + 1)) {
        const across = Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left);
        const down = Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top);
        // A box is taller than its letters: a fifth of a line may be shared.
        const line = Math.min(a.box.height, b.box.height);
        if (across > 1 && down > line / 5) faults.push(`"${a.text}" and "${b.text}" overlap`);
      }
    }
  }
  return faults;
}
