/** The bench measures and leaves nothing behind, also when it is interrupted. */
import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 60_000 });

/** States, held keys and messages that are left in the bench's namespace. */
async function leftIn(place: Place, words: readonly string[] = []) {
  const query = await place.run([
    "query",
    "",
    "-n",
    "lockd-bench",
    "--refresh",
    "wait_for",
    ...words,
  ]);
  const top = await place.run(["top", "--once", "--json", "-n", "lockd-bench", ...words]);
  const queues = await place.run(["queue", "ls", "--json", "-n", "lockd-bench", ...words]);
  const { counts } = JSON.parse(top.stdout) as { counts: { keys_held: number } };
  return [query.stdout, counts.keys_held, queues.stdout];
}

/** Resolves when a bench has its turn. */
async function begun(place: Place): Promise<void> {
  await vi.waitFor(async () => {
    const { stdout } = await place.run(["top", "--once", "--json", "-n", "lockd-bench"]);
    expect(stdout).toContain("lockd bench");
  }, 20_000);
}

const nothing = ["[]\n", 0, "[]\n"];

test("inline: every measure beside raw synced writes", async () => {
  const place = new Place();
  try {
    const words = ["bench", "--seconds", "0.2", "--clients", "2", "--json"];
    const { code, stdout, stderr } = await place.run(words);
    expect([code, stderr]).toEqual([0, ""]);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ clients: 2, seconds: 0.2, place: place.storeUrl });
    expect(report.yardsticks.map((one: { name: string }) => one.name)).toEqual(["synced_write"]);
    expect(report.measures.map((one: { name: string }) => one.name)).toEqual([
      ...["lease", "update", "queue", "txn"],
    ]);
    for (const measure of report.measures) {
      expect(measure.count).toBeGreaterThan(0);
      expect(measure.p50_ms).toBeLessThanOrEqual(measure.p99_ms);
      const ratio =
        (measure.per_second * measure.calls_per_cycle) / report.yardsticks[0].per_second;
      expect(measure.ratios.synced_write).toBeCloseTo(ratio, 1);
    }
    expect(await leftIn(place)).toEqual(nothing);
    const store = readdirSync(path.join(place.directory, "config", "store"));
    expect(store.filter((name) => name.startsWith("."))).toEqual([]);
  } finally {
    place.remove();
  }
});

test("a server: beside bare HTTP; Ctrl-C tidies up; one at a time", async () => {
  const place = new Place();
  try {
    const server = await place.serve();
    const words = ["bench", "-s", server.url, "--clients", "3"];
    const short = await place.run([...words, "--seconds", "0.2", "--only", "lease"]);
    expect(short.stdout).toMatch(/PER SECOND +P50 ms.*x BARE HTTP\nbare HTTP .*\nlease: acquire/);
    const long = place.start([...words, "--seconds", "30", "--only", "queue", "--only", "txn"]);
    await begun(place);
    const other = await place.run([...words, "--seconds", "0.1"]);
    expect([other.code, other.stderr]).toEqual([5, expect.stringContaining("waiting")]);
    // Interrupted in its yardstick or in its queue, whichever it has come to.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    long.child.kill("SIGINT");
    const { code, stdout } = await long.ended;
    expect([code, stdout]).toEqual([130, ""]);
    expect(await leftIn(place)).toEqual(nothing);
    server.child.kill("SIGTERM");
    await server.ended;
  } finally {
    place.remove();
  }
});

test("interrupted while messages and transactions are under way", async () => {
  const place = new Place();
  try {
    for (const only of ["queue", "txn"]) {
      const words = ["bench", "--seconds", "3", "--clients", "4", "--only", only];
      const running = place.start(words);
      await begun(place);
      // Past the yardstick, which takes as long as a measure.
      await new Promise((resolve) => setTimeout(resolve, 4_000));
      running.child.kill("SIGTERM");
      expect((await running.ended).code).toBe(143);
      expect(await leftIn(place)).toEqual(nothing);
    }
  } finally {
    place.remove();
  }
});

test("a server elsewhere has to be meant", async () => {
  const place = new Place();
  const { code, stderr } = await place.run(["bench", "-s", "http://192.0.2.1:9341"]);
  expect([code, stderr]).toEqual([2, expect.stringContaining("say --yes if that is meant")]);
  place.remove();
});
