/** A report as one HTML file: no network, no script, readable in light and dark, prints on paper. */

export interface Section {
  readonly title: string;
  /** HTML; build it with `html` so that text is escaped. */
  readonly body: Html;
}

/** HTML that is safe to place in a page. */
export class Html {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
}

type Part = string | number | Html | undefined | readonly Part[];

/** Template tag: strings are escaped, `Html` is placed as it is, lists are joined, undefined is left out. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((text, piece, i) => text + render(parts[i - 1]) + piece));
}

/** Marks text that is HTML already, such as a drawn chart. */
export function raw(text: string): Html {
  return new Html(text);
}

function render(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(render).join("");
  return String(part).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** A chart with its caption. The caption says what is shown and in which units. */
export function figure(svg: string, caption: Part): Html {
  return html`<figure>${raw(svg)}<figcaption>${caption}</figcaption></figure>`;
}

/** A table that scrolls inside itself where it is wider than the page. `numeric` columns are put to the right. */
export function htmlTable(
  head: readonly Part[],
  rows: readonly (readonly Part[])[],
  numeric: readonly number[] = [],
): Html {
  const cell = (tag: "td" | "th", part: Part, column: number) =>
    new Html(`<${tag}${numeric.includes(column) ? ' class="number"' : ""}>${render(part)}</${tag}>`);
  return html`<div class="table"><table><thead><tr>${head.map((part, i) => cell("th", part, i))}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((part, i) => cell("td", part, i))}</tr>\n`)}</tbody></table></div>`;
}

export function page(title: string, lead: Part, sections: readonly Section[]): string {
  const id = (section: Section) => section.title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<main>
<header><h1>${title}</h1>${lead}</header>
<nav>${sections.map((section) => html`<a href="#${id(section)}">${section.title}</a> `)}</nav>
${sections.map((section) => html`<section id="${id(section)}"><h2>${section.title}</h2>\n${section.body}\n</section>\n`)}
</main>
</body>
</html>
`.text;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6570; --line: #d6dbe1; --paper: #ffffff; --tint: #f4f6f8; --accent: #0b62a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --soft: #9aa5b1; --line: #353c45; --paper: #14181d; --tint: #1d2329; --accent: #6db3ee; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; border-bottom: 1px solid var(--line); padding-bottom: .25rem; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .4rem; }
h1::first-letter, h2::first-letter, h3::first-letter, nav a::first-letter { text-transform: uppercase; }
p, ul { margin: .4rem 0 .8rem; max-width: 46rem; }
.soft, figcaption, .basis { color: var(--soft); font-size: .875rem; }
nav { font-size: .9rem; margin: 1rem 0; } nav a { display: inline-block; margin-right: .9rem; }
a { color: var(--accent); }
code { font: .9em ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
figure { margin: 1rem 0 1.5rem; overflow-x: auto; } figure > svg { min-width: 36rem; max-width: 100%; height: auto; } figcaption { max-width: 46rem; margin-top: .5rem; }
.table { overflow-x: auto; margin: .6rem 0 1.2rem; }
table { border-collapse: collapse; font-size: .9rem; min-width: 50%; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(10rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.card { background: var(--tint); border-radius: .5rem; padding: .7rem .9rem; }
.card b { display: block; font-size: 1.3rem; line-height: 1.3; } .card span { display: block; color: var(--soft); font-size: .85rem; }
details { margin: .4rem 0 1rem; } summary { cursor: pointer; color: var(--accent); }
.note { border-left: 3px solid var(--accent); padding: .1rem 0 .1rem .8rem; }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --tint: #f4f4f4; --accent: #000; } nav { display: none; }
  main { max-width: none; padding: 0; } h2, h3 { break-after: avoid; } figure, tr, .card { break-inside: avoid; } details::details-content { content-visibility: visible; height: auto; } figure > svg { min-width: 0; } body { font-size: 11pt; } }
`;
