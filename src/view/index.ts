export * from "./charts.ts";
export * from "./flows.ts";
export * from "./page.ts";
export * from "./tornado.ts";
