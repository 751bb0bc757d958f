/** One message's command, with real processes: when it is started, and when not. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { BodyOut } from "../../../src/api/lockd.ts";
import { LeaseClock } from "../../../src/cli/run/lease-clock.ts";
import { HeldMessage } from "../../../src/cli/work/held-message.ts";
import { MessageCommand } from "../../../src/cli/work/message-command.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), "lockd-message-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const clock = new LeaseClock();
const never = (): never => {
  throw new Error("not to be called here");
};

/** A message that came `ageMs` ago, for half a minute. */
async function commandOf(
  payload: BodyOut,
  command: readonly string[],
  given: { readonly ageMs?: number } = {},
): Promise<{ command: MessageCommand; pids: number[] }> {
  const delivery = {
    ...{ namespace: "default", queue: "jobs", messageId: "m", correlationId: "c" },
    ...{ attempts: 1, maxAttempts: 5, failureAttempts: 0, attributes: {} },
    ...{ notVisibleUntilUnix: 0, visibilityTimeoutSeconds: 30 },
    ...{ payloadContentType: "text/plain", payloadBytes: 0, payload },
    ...{ leaseId: `lease-${Math.random()}`, leaseExpiresAtUnix: 0, fencingToken: 1 },
    ...{ txnId: "t", metaEtag: "e1", state: undefined },
  };
  let sentAt = clock.nowMs();
  const stale = new LeaseClock({ steadyMs: () => sentAt, bootMs: undefined });
  const parts = {
    ...{ queues: { extend: never, ack: never, nack: never }, clock: stale },
    ...{ wallMs: Date.now, sharedWall: () => false, termGraceMs: undefined },
  };
  sentAt -= given.ageMs ?? 0;
  const held = await HeldMessage.taken(parts, delivery, sentAt);
  const pids: number[] = [];
  const started = new MessageCommand({
    ...{ held, command, clock, directory, env: process.env },
    mode: { kind: "server", endpoints: "http://127.0.0.1:1", source: "" },
    onPid: (pid) => void pids.push(pid),
  });
  return { command: started, pids };
}

function streamed(...chunks: readonly (string | Error)[]): BodyOut {
  async function* read() {
    for (const chunk of chunks) {
      if (chunk instanceof Error) throw chunk;
      yield Buffer.from(chunk);
    }
  }
  return Object.assign(read(), { close: async () => {} });
}

test("it reads the payload, answers its exit code, and leaves no file", async () => {
  const file = path.join(directory, "read");
  const script = `cat >${file}; exit 7`;
  const { command, pids } = await commandOf(streamed("one ", "two"), ["sh", "-c", script]);
  expect([await command.exitCode, pids.length]).toEqual([7, 1]);
  expect(readFileSync(file, "utf8")).toBe("one two");
  await command.clear(false);
  expect(readdirSync(directory).filter((name) => name.endsWith(".bin"))).toEqual([]);
});

test("a payload that breaks off is never shown to the command", async () => {
  const mark = path.join(directory, "shown");
  const broken = streamed("half of", new Error("connection lost"));
  const { command, pids } = await commandOf(broken, ["touch", mark]);
  expect([await command.exitCode, pids]).toEqual([undefined, []]);
  expect(command.failure?.error).toMatchObject({ message: "connection lost" });
  await command.clear(false);
  expect(existsSync(mark)).toBe(false);
});

test("called off while the payload comes, it is not started, and that is no failure", async () => {
  let go = (): void => {};
  const held = new Promise<void>((resolve) => {
    go = resolve;
  });
  async function* slow() {
    await held;
    yield Buffer.from("late");
  }
  const payload = Object.assign(slow(), { close: async () => go() });
  const { command, pids } = await commandOf(payload, ["true"]);
  command.terminate();
  expect([await command.exitCode, pids, command.failure]).toEqual([undefined, [], undefined]);
  await command.clear(false);
});

test("when the lease is all but over it is not started any more", async () => {
  const { command, pids } = await commandOf(streamed("x"), ["true"], { ageMs: 28_000 });
  expect([await command.exitCode, pids]).toEqual([undefined, []]);
  await command.clear(false);
});

test("a command that does not exist is told as such", async () => {
  const { command } = await commandOf(streamed("x"), ["no-such-command-anywhere"]);
  expect(await command.exitCode).toBeUndefined();
  expect(command.failure?.error).toMatchObject({ code: "command_not_started" });
  await command.clear(false);
});

test("terminate reaches a running one", async () => {
  const { command } = await commandOf(streamed("x"), ["sleep", "60"]);
  for (;;) {
    command.terminate();
    const ended = await Promise.race([
      command.exitCode,
      new Promise((resolve) => setTimeout(resolve, 20, "running")),
    ]);
    if (ended !== "running") break;
  }
  expect([143, undefined]).toContain(await command.exitCode);
  await command.clear(true);
});
