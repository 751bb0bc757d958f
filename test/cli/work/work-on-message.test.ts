/** What is told to the queue when one message's work is over; with a real watchdog and commands. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { failure } from "../../../src/api/errors.ts";
import type { BodyOut } from "../../../src/api/lockd.ts";
import type { ExtendRequest, NackRequest } from "../../../src/api/queues.ts";
import { LeaseClock } from "../../../src/cli/run/lease-clock.ts";
import { Watchdog } from "../../../src/cli/run/watchdog.ts";
import { HeldMessage } from "../../../src/cli/work/held-message.ts";
import { MessageWork } from "../../../src/cli/work/work-on-message.ts";

const clock = new LeaseClock();
let directory: string;
let watchdog: Watchdog;
let told: (readonly [string, Partial<NackRequest>])[];
let said: string[];

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-work-test-"));
  watchdog = new Watchdog(clock);
});
afterAll(() => {
  watchdog.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  told = [];
  said = [];
});

interface Story {
  readonly command: readonly string[];
  readonly payload?: BodyOut;
  readonly attempts?: number;
  readonly visibilitySeconds?: number;
  /** How an extension is answered; by default with what it asks for. */
  readonly extend?: () => never;
}

async function workOn(story: Story): Promise<MessageWork> {
  const { visibilitySeconds = 30 } = story;
  const queues = {
    extend: async ({ extendBySeconds = 0 }: ExtendRequest) => {
      story.extend?.();
      return {
        leaseExpiresAtUnix: Math.floor(Date.now() / 1000) + extendBySeconds,
        visibilityTimeoutSeconds: extendBySeconds,
        ...{ metaEtag: "e2", stateLeaseExpiresAtUnix: undefined, correlationId: "c" },
      };
    },
    ack: async () => {
      told.push(["ack", {}]);
      return { acked: true as const, correlationId: "c" };
    },
    nack: async ({ intent, delaySeconds, lastError }: NackRequest) => {
      told.push(["nack", { intent, delaySeconds, lastError }]);
      return { requeued: true as const, metaEtag: "e3", correlationId: "c" };
    },
  };
  const delivery = {
    ...{ namespace: "default", queue: "jobs", messageId: "m", correlationId: "c" },
    ...{ attempts: story.attempts ?? 1, maxAttempts: 5, failureAttempts: 0, attributes: {} },
    ...{ notVisibleUntilUnix: 0, visibilityTimeoutSeconds: visibilitySeconds },
    ...{ payloadContentType: "text/plain", payloadBytes: 0 },
    payload: story.payload ?? Buffer.from("x"),
    leaseId: `lease${Math.random()}`.replace(".", ""),
    ...{ leaseExpiresAtUnix: 0, fencingToken: 1, txnId: "t", metaEtag: "e1", state: undefined },
  };
  const judged = { clock, wallMs: Date.now, sharedWall: () => false, termGraceMs: 200 };
  const held = await HeldMessage.taken({ queues, ...judged }, delivery, clock.nowMs());
  const parts = {
    ...{ command: story.command, directory, env: process.env, clock, wallMs: Date.now, watchdog },
    mode: { kind: "server", endpoints: "http://127.0.0.1:1", source: "" } as const,
    ...{ nackDelaySeconds: 4, maxDeliveries: 3, say: (text: string) => void said.push(text) },
  };
  return new MessageWork(parts, held);
}

const exits = (code: number) => ["sh", "-c", `exit ${code}`];

describe("a command that ends by itself", () => {
  test("0: ack", async () => {
    expect(await (await workOn({ command: exits(0) })).done).toBeUndefined();
    expect([told, said]).toEqual([[["ack", {}]], []]);
  });

  test("75: later, after the pause that was asked for", async () => {
    await (await workOn({ command: exits(75) })).done;
    expect(told).toMatchObject([["nack", { intent: "defer", delaySeconds: 4 }]]);
  });

  test("any other: a failure with the reason", async () => {
    await (await workOn({ command: exits(3) })).done;
    const lastError = { detail: "exit status 3" };
    expect(told).toEqual([["nack", { intent: "failure", delaySeconds: 4, lastError }]]);
    expect(said).toEqual(["message m: exit status 3 (attempt 1)"]);
  });
});

describe("a command that does not", () => {
  test("its lease is taken away: it is stopped, and the queue is told nothing", async () => {
    const extend = (): never => {
      throw failure("queue_message_lease_mismatch", "somebody else's");
    };
    await (await workOn({ command: ["sleep", "60"], visibilitySeconds: 3, extend })).done;
    expect([told, said.at(-1)]).toEqual([[], expect.stringContaining("the lease is lost")]);
  });

  test("its lease cannot be extended: stopped, and given back in case it is ours", async () => {
    const extend = (): never => {
      throw new Error("no route");
    };
    await (await workOn({ command: ["sleep", "60"], visibilitySeconds: 3, extend })).done;
    expect(told).toMatchObject([["nack", { intent: "defer", delaySeconds: undefined }]]);
    expect(said.join("\n")).toMatch(/renewal failed: no route\n.*could not be renewed in time/);
  });

  test("called off: given back at once, whatever its exit code", async () => {
    const work = await workOn({ command: ["sh", "-c", "trap 'exit 0' TERM; sleep 60 & wait"] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    work.stop();
    await work.done;
    expect(told).toMatchObject([["nack", { intent: "defer", delaySeconds: undefined }]]);
  });
});

describe("a command that is never started", () => {
  test("no such command: given back at once, and the worker is told", async () => {
    const work = await workOn({ command: ["no-such-command-anywhere"] });
    expect(await work.done).toMatchObject({ code: "command_not_started" });
    expect(told).toMatchObject([["nack", { intent: "defer", delaySeconds: undefined }]]);
  });

  test("a payload that cannot be fetched is not tried again without a pause", async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("half of");
      throw new Error("connection lost");
    }
    const payload = Object.assign(broken(), { close: async () => {} });
    expect(await (await workOn({ command: exits(0), payload })).done).toBeUndefined();
    expect(told).toMatchObject([["nack", { intent: "defer", delaySeconds: 10 }]]);
  });

  test("delivered too often: a failure", async () => {
    await (await workOn({ command: exits(0), attempts: 4 })).done;
    const lastError = { detail: "delivered more than 3 times" };
    expect(told).toMatchObject([["nack", { intent: "failure", lastError }]]);
  });
});
