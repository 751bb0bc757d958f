/** What a bench may do, and how it counts. */
import { expect, test } from "vitest";
import { benchPlan, isOnThisMachine, refuseUnlessMeant } from "../../src/cli/bench/bench-plan.ts";
import { load, loadOf } from "../../src/cli/bench/load.ts";

test.each([
  ["unix:///run/lockd.sock", true],
  ["http://127.0.0.1:9341", true],
  ["127.9.9.9", true],
  ["localhost:9341", true],
  ["http://[::1]:9341", true],
  ["http://[2001:db8::1]:9341", false],
  ["https://locks.example.org", false],
  ["127.0.0.1.example.org:9341", false],
  ["10.0.0.1", false],
])("%s", (endpoint, expected) => {
  expect(isOnThisMachine(endpoint)).toBe(expected);
});

test("somebody else's server has to be meant", () => {
  const server = (endpoints: string) => ({ kind: "server", endpoints, source: "x" }) as const;
  const both = server("http://127.0.0.1:1, http://locks:9341");
  expect(() => refuseUnlessMeant(both, false)).toThrow(/http:\/\/locks:9341 is not on this/);
  refuseUnlessMeant(both, true);
  refuseUnlessMeant(server("http://127.0.0.1:1"), false);
});

test("limits of the plan", () => {
  const flags = { namespace: "n", clients: "8", seconds: "0.5", only: ["txn", "lease", "lease"] };
  expect(benchPlan(flags)).toMatchObject({ measureMs: 500, measures: ["lease", "txn"] });
  for (const wrong of [{ clients: "257" }, { clients: "0" }, { seconds: "61" }, { seconds: "" }]) {
    expect(() => benchPlan({ ...flags, ...wrong })).toThrow(/--(clients|seconds)/);
  }
});

test("percentiles and rate", () => {
  const times = Array.from({ length: 100 }, (_, at) => 100 - at);
  expect(loadOf(times, 100, 2_000)).toEqual({
    ...{ count: 100, perSecond: 50, p50Ms: 51, p95Ms: 96, p99Ms: 100, maxMs: 100 },
  });
  expect(loadOf([], 0, 0)).toMatchObject({ perSecond: 0, maxMs: 0 });
});

test("a failure of one client ends all, after what is under way", async () => {
  const { signal } = new AbortController();
  let running = 0;
  let most = 0;
  const once = async (client: number): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    if (client === 1 && most > 1) throw new Error("broken");
  };
  await expect(load({ clients: 3, ms: 60_000, signal, once })).rejects.toThrow("broken");
  expect([running, most]).toEqual([0, 3]);
});

test("the signal ends it with its reason, between two rounds", async () => {
  const controller = new AbortController();
  let under = 0;
  const once = async (): Promise<void> => {
    under += 1;
    await new Promise((resolve) => setTimeout(resolve, 2));
    under -= 1;
  };
  const running = load({ clients: 2, ms: 60_000, signal: controller.signal, once });
  setTimeout(() => controller.abort(new Error("enough")), 20);
  await expect(running).rejects.toThrow("enough");
  expect(under).toBe(0);
});
