/** Every file operation of the journal failing once, in every way, and what callers are told. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Store } from "../../../../src/engine/ports/store.ts";
import { encodeFrame, encodeSegmentHeader } from "../../../../src/storage/disk/journal/frame.ts";
import { systemFiles } from "../../../../src/storage/disk/journal/journal-files.ts";
import { segmentPath } from "../../../../src/storage/disk/journal/read-segment.ts";
import { recoverJournal } from "../../../../src/storage/disk/journal/recover-journal.ts";
import type { SqliteRows } from "../../../../src/storage/disk/sqlite-rows.ts";
import { type Fault, faultyFiles } from "./faulty-files.ts";
import {
  absent,
  any,
  CleanUps,
  errnoOf,
  openJournal,
  outcomeOf,
  put,
  putStep,
  textOf,
} from "./journal-fixture.ts";

const cleanUps = new CleanUps();
afterEach(() => cleanUps.run());

/** Stores that live side by side, so that the test does not wait for one sync after the other. */
const livesAtOnce = 8;

const none: Fault = { kind: "none" };

interface Written {
  readonly name: string;
  readonly text: string;
  readonly outcome: string;
}

/** Writes over several segments; pairs of writes share a frame. */
async function writeMany(store: Store): Promise<Written[]> {
  const written: Written[] = [];
  for (let n = 0; n < 11; n += 1) {
    const pair = [`a${n % 3}`, `b${n % 2}`].map(async (name): Promise<Written> => {
      const text = `${n}:${"x".repeat(300)}`;
      return { name, text, outcome: await outcomeOf(put(store, name, text)) };
    });
    written.push(...(await Promise.all(pair)));
  }
  return written;
}

/** Texts a name may have: of its last applied write, or of one of unknown outcome after it. */
function possibleTexts(written: readonly Written[], name: string): (string | undefined)[] {
  let possible: (string | undefined)[] = [undefined];
  for (const one of written) {
    if (one.name !== name) continue;
    if (one.outcome === "applied") possible = [one.text];
    else if (one.outcome === "unknown") possible.push(one.text);
  }
  return possible;
}

interface FaultyLife {
  readonly calls: number;
  readonly written: readonly Written[];
  /** Outcome of a write once whatever was in the way has passed. */
  readonly after: string;
}

/** One life of a store in which the n-th call of a file operation fails. */
async function faultyLife(failing: number, fault: Fault): Promise<FaultyLife> {
  const directory = cleanUps.directory("fault");
  const rows = cleanUps.rows(directory);
  let calls = 0;
  let armed = false;
  const files = faultyFiles((call) => {
    if (!armed) return none;
    calls += 1;
    const isWrite = call === "write" || call === "writeSynced";
    return calls === failing && (isWrite || fault.kind === "error") ? fault : none;
  });
  const { store } = await openJournal({ directory, rows, files, segmentBytes: 2_600 });
  armed = true;
  const written = await writeMany(store);
  for (const name of ["a0", "a1", "a2", "b0", "b1"]) {
    const applied = written.filter((one) => one.name === name && one.outcome === "applied");
    expect(await textOf(store, name)).toBe(applied.at(-1)?.text);
  }
  const after = await settled(store);
  await store.close();
  await expectRecovered(directory, rows, written);
  return { calls, written, after };
}

/** The mover tries again a little later; so does this. */
async function settled(store: Store): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const outcome = await outcomeOf(put(store, "after", "x".repeat(1_000)));
    if (outcome !== "full" || tries === 100) return outcome;
    await sleep(10);
  }
}

async function expectRecovered(
  directory: string,
  rows: SqliteRows,
  written: readonly Written[],
): Promise<void> {
  await recoverJournal({ directory, rows });
  for (const name of ["a0", "a1", "a2", "b0", "b1"]) {
    expect(possibleTexts(written, name)).toContain(await textOf(rows, name));
  }
}

describe.each([
  ["ENOSPC", { kind: "error", error: errnoOf("ENOSPC") }],
  ["ENOSPC after a part of the write", { kind: "error", error: errnoOf("ENOSPC"), length: 100 }],
  ["EIO", { kind: "error", error: errnoOf("EIO") }],
  ["EIO after a part of the write", { kind: "error", error: errnoOf("EIO"), length: 300 }],
  ["EIO after the whole write", { kind: "error", error: errnoOf("EIO"), length: 1e6 }],
  ["a short write", { kind: "short", length: 1 }],
] as readonly (readonly [string, Fault])[])("%s", (name, fault) => {
  test("at any file operation: nothing applied is lost, nothing refused appears", async () => {
    const { calls } = await faultyLife(0, none);
    expect(calls).toBeGreaterThan(30);
    const outcomes = new Set<string>();
    const lives = async (first: number): Promise<void> => {
      for (let failing = first; failing <= calls; failing += livesAtOnce) {
        const { written, after } = await faultyLife(failing, fault);
        for (const { outcome } of written) outcomes.add(outcome);
        // A full disk is no reason to stop for ever.
        if (!name.startsWith("EIO")) expect(after).toBe("applied");
      }
    };
    await Promise.all(Array.from({ length: livesAtOnce }, (_, lane) => lives(lane + 1)));
    const seen = [...outcomes].sort();
    if (name.startsWith("EIO")) expect(seen).toEqual(["applied", "failed", "unknown"]);
    else if (name.startsWith("ENOSPC")) expect(seen).toEqual(["applied", "full"]);
    else expect(seen).toEqual(["applied"]);
  }, 30_000);
});

test("a moved segment whose retirement fails half way is retired again", async () => {
  const directory = cleanUps.directory("retire");
  const rows = cleanUps.rows(directory);
  let state: "waiting" | "renamed" | "failed" = "waiting";
  const files = faultyFiles((call, at) => {
    if (state === "waiting" && at.includes("free-")) state = "renamed";
    if (state !== "renamed" || call !== "syncDirectory") return none;
    state = "failed";
    return { kind: "error", error: errnoOf("ENOSPC") };
  });
  const { store, closedClean } = await openJournal({ directory, rows, files, segmentBytes: 2_600 });
  for (let n = 0; n < 4; n += 1) expect(await settled(store)).toBe("applied");
  await vi.waitFor(() => expect(state).toBe("failed"));
  for (let n = 0; n < 20; n += 1) expect(await settled(store)).toBe("applied");
  await store.close();
  expect(closedClean()).toBe(true);
});

describe("what is decided on top of a write that is not durable yet", () => {
  async function withOneFault(error: Error) {
    const directory = cleanUps.directory("chain");
    const rows = cleanUps.rows(directory);
    let armed = false;
    const files = faultyFiles((call) => {
      if (!armed || call !== "writeSynced") return none;
      armed = false;
      return { kind: "error", error };
    });
    const { store } = await openJournal({ directory, rows, files });
    return { store, arm: () => (armed = true) };
  }

  test("a conflict with a write that fails is no conflict", async () => {
    const { store, arm } = await withOneFault(errnoOf("ENOSPC"));
    arm();
    const results = [1, 2, 3].map((n) => outcomeOf(store.apply([putStep("a", `${n}`, absent)])));
    expect(await Promise.all(results)).toEqual(["full", "full", "full"]);
    expect(await outcomeOf(store.apply([putStep("a", "4", absent)]))).toBe("applied");
    await store.close();
  });

  test("a conflict is told when what it conflicts with can be read", async () => {
    const { store } = await withOneFault(errnoOf("EIO"));
    const first = store.apply([putStep("a", "1", absent)]);
    expect(await store.get("a")).toBeUndefined();
    expect(await store.apply([putStep("a", "2", absent)])).toEqual({ kind: "conflict", step: 0 });
    expect(await textOf(store, "a")).toBe("1");
    expect((await first).kind).toBe("applied");
    await store.close();
  });

  test("what was refused for lack of space is not found in the journal later", async () => {
    const directory = cleanUps.directory("erased");
    const rows = cleanUps.rows(directory);
    let armed = false;
    const files = faultyFiles((call) => {
      if (!armed || call !== "writeSynced") return none;
      armed = false;
      return { kind: "error", error: errnoOf("ENOSPC"), length: Number.MAX_SAFE_INTEGER };
    });
    const { store } = await openJournal({ directory, rows, files });
    await put(store, "a", "1");
    armed = true;
    expect(await outcomeOf(put(store, "a", "2"))).toBe("full");
    await store.close();
    expect(await textOf(rows, "a")).toBe("1");
  });

  test("a plan that waits to be refused is surely not applied when the device fails", async () => {
    const { store, arm } = await withOneFault(errnoOf("EIO"));
    arm();
    const results = [1, 2].map((n) => outcomeOf(store.apply([putStep("a", `${n}`, absent)])));
    expect(await Promise.all(results)).toEqual(["unknown", "failed"]);
    await store.close();
  });
});

test("an empty plan changes nothing and hides nothing that follows", async () => {
  const directory = cleanUps.directory("empty");
  const rows = cleanUps.rows(directory);
  const { store } = await openJournal({ directory, rows });
  expect(await store.apply([])).toEqual({ kind: "applied", tags: [] });
  await put(store, "a", "1");
  await store.close();
  expect(await textOf(rows, "a")).toBe("1");
});

test("callers that build on each other's unsynced writes all get through", async () => {
  const directory = cleanUps.directory("pipeline");
  const rows = cleanUps.rows(directory);
  let frames = 0;
  const files = faultyFiles((call) => {
    if (call === "writeSynced") frames += 1;
    return none;
  });
  const { store } = await openJournal({ directory, rows, files });
  let lost = 0;
  const increment = async (): Promise<void> => {
    for (;;) {
      const found = await store.get("n");
      const value = found === undefined ? 0 : Number(Buffer.from(found.bytes).toString());
      const when = found === undefined ? absent : ({ kind: "tag", tag: found.tag } as const);
      const result = await store.apply([putStep("n", String(value + 1), when)]);
      if (result.kind === "applied") return;
      lost += 1;
    }
  };
  await Promise.all(Array.from({ length: 40 }, increment));
  expect(await textOf(store, "n")).toBe("40");
  // The loser of a race waits for the winner's sync instead of spinning until it is done.
  expect(lost).toBeLessThanOrEqual((40 * 39) / 2);
  frames = 0;
  const deletes = Array.from({ length: 500 }, (_, n) =>
    store.apply([putStep(`p${n % 7}`, `${n}`), { kind: "delete", name: `q${n}`, when: any }]),
  );
  await Promise.all(deletes);
  expect(frames).toBeLessThan(5);
  await store.close();
});

test("frames are synced by the system, one by one", async () => {
  const directory = cleanUps.directory("dsync");
  const file = path.join(directory, "x");
  writeFileSync(file, "");
  const opened = await systemFiles.openSynced(file);
  const ours = readdirSync("/proc/self/fd").find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file;
    } catch {
      return false;
    }
  });
  const flags = /flags:\s+0?([0-7]+)/.exec(readFileSync(`/proc/self/fdinfo/${ours}`, "utf8"));
  const dsync = 0o10000;
  expect(Number.parseInt(flags?.[1] ?? "0", 8) & dsync).toBe(dsync);
  await opened.close();
});

describe("segments that do not fit together", () => {
  function lay(directory: string, named: number, generation: number): void {
    const entry = { name: "a", bytes: Buffer.from(`${generation}`), seq: generation };
    const frames = [encodeFrame([entry], 7), encodeFrame([], 7)];
    const header = encodeSegmentHeader({ generation, salt: 7 });
    mkdirSync(path.join(directory, "journal"), { recursive: true });
    writeFileSync(segmentPath(directory, named), Buffer.concat([header, ...frames]));
  }

  test("one missing in between stops the opening, unless SQLite has what follows", async () => {
    const directory = cleanUps.directory("gap");
    const rows = cleanUps.rows(directory);
    lay(directory, 1, 1);
    lay(directory, 3, 3);
    await expect(recoverJournal({ directory, rows })).rejects.toMatchObject({
      kind: "corrupt",
      message: expect.stringContaining("segment 2 before it is missing"),
    });
    rows.writeMoved([{ name: "a", bytes: Buffer.from("3"), seq: 3 }], 3);
    await recoverJournal({ directory, rows });
    expect(await textOf(rows, "a")).toBe("3");
  });

  test("one under another's name stops the opening", async () => {
    const directory = cleanUps.directory("swapped");
    const rows = cleanUps.rows(directory);
    lay(directory, 2, 1);
    await expect(recoverJournal({ directory, rows })).rejects.toMatchObject({ kind: "corrupt" });
  });
});
