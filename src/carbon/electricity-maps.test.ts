import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { problemOf } from "../../test/problems.ts";
import { askElectricityMaps, electricityMapsToken, writtenSpan } from "./electricity-maps.ts";
import { readIntensitySeries } from "./series-files.ts";

/** A server on this machine that answers in the form of the service's API reference, version 3. */
let server: Server;
let service: string;
let asked: { path: string; query: Record<string, string>; token: string | undefined }[] = [];
let reply: { status: number; body: unknown } | undefined;

const HOUR = 3600;
const point = (zone: string, moment: number) => ({
  zone,
  carbonIntensity: 50 + new Date(moment * 1000).getUTCHours(),
  datetime: new Date(moment * 1000).toISOString(),
  updatedAt: "2026-03-02T01:00:00.000Z",
  createdAt: "2026-03-01T01:00:00.000Z",
  emissionFactorType: "lifecycle",
  isEstimated: moment % (24 * HOUR) === 0,
  estimationMethod: null,
  temporalGranularity: "hourly",
});

function answer(request: IncomingMessage): { status: number; body: unknown } {
  const url = new URL(request.url!, service);
  const query = Object.fromEntries(url.searchParams);
  asked.push({ path: url.pathname, query, token: request.headers["auth-token"] as string | undefined });
  if (reply) return reply;
  const [start, end] = [Date.parse(query.start ?? "") / 1000, Date.parse(query.end ?? "") / 1000];
  if (url.pathname.endsWith("/history")) {
    const history = Array.from({ length: 24 }, (_, hour) => point(query.zone!, 1_772_323_200 + hour * HOUR));
    return { status: 200, body: { zone: query.zone, history, temporalGranularity: "hourly" } };
  }
  const data = Array.from({ length: (end - start) / HOUR }, (_, hour) =>
    point(query.zone!, start + hour * HOUR),
  );
  return { status: 200, body: { zone: query.zone, data, temporalGranularity: "hourly" } };
}

const folder = mkdtempSync(join(tmpdir(), "carbon-live-"));
beforeAll(async () => {
  server = createServer((request, response) => {
    const { status, body } = answer(request);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  service = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  asked = [];
  reply = undefined;
});

describe("Electricity Maps, asked live", () => {
  it("is asked for the last day with the token, and never for where the caller is", async () => {
    const file = join(folder, "day.json");
    writeFileSync(file, JSON.stringify(await askElectricityMaps("FR", { token: "secret", service })));
    expect(asked).toEqual([
      {
        path: "/v3/carbon-intensity/history",
        query: { zone: "FR", shouldUseFallbackCallerLookup: "false" },
        token: "secret",
      },
    ]);
    const series = readIntensitySeries(file);
    expect(series).toMatchObject({
      zone: "FR",
      signal: "average",
      accounting: "location",
      boundary: "life-cycle",
      stepSeconds: HOUR,
      provenance: { origin: "live", vintage: "2026-03-01T00:00Z to 2026-03-02T00:00Z" },
    });
    expect([...series.gramsPerKilowattHour]).toEqual(Array.from({ length: 24 }, (_, hour) => 50 + hour));
    expect(series.notes).toEqual(["1 of 24 values are marked as estimated"]);
  });

  it("is asked ten days at a time for a longer span, whose parts make one series", async () => {
    const span = writtenSpan("2026-03-01T00:00Z", "2026-03-26T00:00Z");
    const file = join(folder, "span.json");
    writeFileSync(file, JSON.stringify(await askElectricityMaps("FR", { token: "t", span, service })));
    expect(asked.map(({ path, query }) => [path, query.start, query.end])).toEqual([
      ["/v3/carbon-intensity/past-range", "2026-03-01T00:00Z", "2026-03-11T00:00Z"],
      ["/v3/carbon-intensity/past-range", "2026-03-11T00:00Z", "2026-03-21T00:00Z"],
      ["/v3/carbon-intensity/past-range", "2026-03-21T00:00Z", "2026-03-26T00:00Z"],
    ]);
    const series = readIntensitySeries(file);
    expect(series.gramsPerKilowattHour).toHaveLength(25 * 24);
    expect(series.gramsPerKilowattHour.some(Number.isNaN)).toBe(false);
  });

  it.each([
    ["refuses the token", { status: 401, body: { message: "Invalid auth-token" } }, "status 401", "token"],
    ["has had too many questions", { status: 429, body: { message: "slow down" } }, "status 429", undefined],
    ["answers for another zone", { status: 200, body: { zone: "DE", history: [] } }, "for DE", undefined],
  ])("where the service %s, says so", async (_, answered, found, remedy) => {
    reply = answered;
    const problem = await problemOf(() => askElectricityMaps("FR", { token: "t", service }));
    expect(problem.found).toContain(found);
    if (remedy) expect(problem.remedy).toContain(remedy);
    expect(JSON.stringify(problem)).not.toContain("auth-token: t");
  });

  it("that answers something else, or not at all, is named", async () => {
    reply = { status: 200, body: { error: "maintenance" } };
    expect((await problemOf(() => askElectricityMaps("FR", { token: "t", service }))).place?.path).toBe(
      "zone",
    );
    const nowhere = { token: "t", service: "http://127.0.0.1:1/v3" };
    expect((await problemOf(() => askElectricityMaps("FR", nowhere))).found).toContain("no answer");
  });

  it("needs a token, and both ends of a span in their order", async () => {
    expect(electricityMapsToken({ ELECTRICITY_MAPS_TOKEN: "t" })).toBe("t");
    expect((await problemOf(() => electricityMapsToken({}))).place?.path).toBe("ELECTRICITY_MAPS_TOKEN");
    expect(writtenSpan()).toBeUndefined();
    expect((await problemOf(() => writtenSpan("2026-03-01"))).place?.path).toBe("--until");
    expect((await problemOf(() => writtenSpan("2026-03-02", "2026-03-01"))).place?.path).toBe("--until");
  });
});
