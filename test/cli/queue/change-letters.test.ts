/** Redrive and purge of many: in batches, each letter once, and with a word when it ends early. */
import { describe, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import type { DeadLetterSelection, Queues } from "../../../src/api/queues.ts";
import { failureReport } from "../../../src/cli/failure-report.ts";
import { changeLetters, type LetterWork } from "../../../src/cli/queue/change-letters.ts";
import { Interrupted } from "../../../src/cli/usage-error.ts";
import { disabledQueues } from "../../support/disabled-queues.ts";

const address = { namespace: "default", queue: "jobs" };

/** A queue of so many dead letters, named by their number; `asked` holds the calls. */
function deadQueue(count: number, beforeCall: (calls: number) => void = () => {}) {
  const asked: DeadLetterSelection[] = [];
  const redrive: Queues["redrive"] = async (request) => {
    beforeCall(asked.length);
    asked.push(request);
    const { limit = 1_000, cursor = "0" } = request;
    if (request.all !== true) return { changed: 1, damaged: [], more: false };
    // None ever goes away: each dies again at once.
    const end = Math.min(count, Number(cursor) + limit);
    const more = end < count;
    return {
      changed: end - Number(cursor),
      damaged: [],
      more,
      cursor: more ? String(end) : undefined,
    };
  };
  return { asked, queues: { ...disabledQueues, redrive } };
}

function work(over: Partial<LetterWork> = {}): LetterWork {
  const stop = new AbortController().signal;
  const defaults = { kind: "redrive", address, chosen: undefined, progress: "off" } as const;
  return { ...defaults, stop, correlationId: undefined, ...over };
}

async function reported(queues: Queues, over: Partial<LetterWork> = {}) {
  const error = await changeLetters(queues, work(over)).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return failureReport(error);
}

describe("all of a queue", () => {
  test("goes through it once, in batches, though all of them die again", async () => {
    const { queues, asked } = deadQueue(250);
    expect(await changeLetters(queues, work())).toBe(250);
    expect(asked.map(({ cursor, limit }) => [cursor, limit])).toEqual([
      [undefined, 100],
      ["100", 100],
      ["200", 100],
    ]);
  });

  test("a server that gives no cursor is asked until it has no more, or changes none", async () => {
    const left = [100, 0, 7];
    const redrive = async () => ({ changed: left.shift() ?? 0, damaged: [], more: true });
    expect(await changeLetters({ ...disabledQueues, redrive }, work())).toBe(100);
    expect(left).toEqual([7]);
  });

  test("a signal ends it behind the batch that runs, and the word is exact", async () => {
    const stop = new AbortController();
    const { queues, asked } = deadQueue(1_000, (calls) => {
      if (calls === 2) stop.abort(new Interrupted("SIGINT"));
    });
    const { exitCode, text, json } = await reported(queues, { stop: stop.signal });
    expect(exitCode).toBe(130);
    expect(text).toMatch(/^lockd: interrupted: ended by SIGINT\n/);
    expect(text).toMatch(/\nredriven=300; the same command goes on with the rest\n$/);
    expect(json).toMatchObject({ error: "interrupted", redriven: 300, exit_code: 130 });
    expect(asked).toHaveLength(3);
  });

  test("what cannot be read is left alone and named, when all others are done", async () => {
    const cursors = ["1", undefined];
    const redrive: Queues["redrive"] = async () => {
      const cursor = cursors.shift();
      const damaged = cursor === undefined ? [] : [{ messageId: "m7", detail: "checksum" }];
      return { changed: 5, damaged, more: cursor !== undefined, cursor };
    };
    const { exitCode, text, json } = await reported({ ...disabledQueues, redrive });
    expect(exitCode).toBe(1);
    expect(text).toMatch(
      /^lockd: store_corrupt: 1 dead letter of jobs .* stays as it is: m7 \(checksum\)\n/,
    );
    expect(text).toMatch(/\nredriven=10\n$/);
    expect(json).toMatchObject({ error: "store_corrupt", redriven: 10 });
  });

  test("a failure in between says how far it came", async () => {
    const { queues } = deadQueue(1_000, (calls) => {
      if (calls === 2) throw failure("store_full", "no space");
    });
    const counts = { ready: 0, delayed: 0, inFlight: 0, dead: 1_000, oldestAgeSeconds: undefined };
    const summary = { ...address, ...counts };
    const counting = { ...queues, list: async () => ({ queues: [summary], cursor: undefined }) };
    const { text, json } = await reported(counting, { progress: "json" });
    expect(text).toContain("lockd: store_full: no space\n");
    expect(text).toContain("redriven=200 of 1000; the same command");
    expect(json).toMatchObject({ error: "store_full", redriven: 200 });
  });

  test("what an unanswered call did is not known, and not hidden", async () => {
    const { queues } = deadQueue(1_000, (calls) => {
      if (calls === 1) throw failure("store_unavailable", "gone", { outcomeUnknown: true });
    });
    const { text } = await reported(queues);
    expect(text).toContain("redriven=100, and what the last call did on top of it; the same");
  });

  test("a count for the bar that fails is missed by nobody", async () => {
    const { queues, asked } = deadQueue(150);
    const list = (): never => {
      throw failure("not_found", "there is no /v1/x/queue/list here");
    };
    const counting = { ...queues, list: async () => list() };
    expect(await changeLetters(counting, work({ progress: "json" }))).toBe(150);
    expect(asked).toHaveLength(2);
  });

  test("before anything was done, a failure is nothing but itself", async () => {
    const { queues } = deadQueue(10, () => {
      throw failure("store_full", "no space");
    });
    const { text, json } = await reported(queues);
    expect(text).not.toContain("redriven");
    expect(json).not.toHaveProperty("redriven");
  });
});

test("of named letters those before a missing one are told", async () => {
  const { queues } = deadQueue(10, (calls) => {
    if (calls === 2) throw failure("message_not_found", "jobs has no dead letter c");
  });
  const { text, exitCode } = await reported(queues, { chosen: ["a", "b", "c"] });
  expect([exitCode, text]).toEqual([
    3,
    expect.stringMatching(/no dead letter c\n.*redriven=2 of 3\n$/s),
  ]);
});
