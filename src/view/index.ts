export * from "./charts.ts";
export * from "./page.ts";
export * from "./terminal.ts";
