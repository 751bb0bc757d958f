/** Long bodies flow through a server in a process of its own, whose buffers stay few. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AcquireResult, BodyOut } from "../../src/api/lockd.ts";
import { HttpLockd } from "../../src/client/http-lockd.ts";

const bodyBytes = 160 * 1024 * 1024;

/**
 * Bytes. What is really in use is below 10 MB; where it is left to the garbage collector, 60 to 80
 * million come together before it frees them.
 */
const buffersMax = 20_000_000;

let directory: string;
let server: ChildProcess;
let lockd: HttpLockd;
let lease: AcquireResult;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "lockd-flow-"));
  server = fork(path.join(import.meta.dirname, "../support/watched-directory.ts"), [directory]);
  await once(server, "message");
  lockd = new HttpLockd({ endpoints: `unix://${directory}/lockd.sock`, httpTimeoutMs: 120_000 });
  lease = await lockd.acquire({ key: "flow", owner: "w", ttlSeconds: 600 });
});

afterAll(async () => {
  await lockd.close();
  const exit = once(server, "exit");
  server.kill("SIGKILL");
  await exit;
  await rm(directory, { recursive: true, force: true });
});

async function* pieces(): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(256 * 1024, "payload ");
  for (let bytes = 0; bytes < bodyBytes; bytes += piece.length) yield piece;
}

/** A JSON text, half as long. */
async function* document(): AsyncGenerator<Uint8Array> {
  const row = Buffer.from(`${JSON.stringify("x".repeat(1_020))},\n`);
  yield Buffer.from("[");
  for (let bytes = 0; bytes < bodyBytes / 2; bytes += row.length) yield row;
  yield Buffer.from("0]");
}

async function read(body: BodyOut | undefined): Promise<number> {
  let bytes = 0;
  for await (const chunk of body instanceof Uint8Array ? [body] : (body ?? [])) {
    bytes += chunk.length;
  }
  return bytes;
}

/** Resolves when the server has read over a body that it refused, to the request behind it. */
async function unwanted(): Promise<void> {
  const socket = connect(path.join(directory, "lockd.sock"));
  let heard = "";
  const over = new Promise<void>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      heard += chunk.toString();
      if (/ 404 .* 200 /s.test(heard)) resolve();
    });
  });
  socket.write(`POST /v1/x HTTP/1.1\r\nHost: x\r\nContent-Length: ${bodyBytes}\r\n\r\n`);
  await pipeline(Readable.from(pieces()), socket, { end: false });
  socket.write("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await over;
  socket.destroy();
}

async function mostBytes(): Promise<number> {
  const answer = once(server, "message") as Promise<[number]>;
  server.send("most?");
  return (await answer)[0];
}

const flows: readonly [string, () => Promise<unknown>][] = [
  ["a payload in", () => lockd.queues.enqueue({ queue: "q" }, pieces())],
  [
    "a payload out",
    async () => {
      const [delivery] = await lockd.queues.dequeue({ queue: "q", owner: "w" });
      expect(await read(delivery?.payload)).toBe(bodyBytes);
      if (delivery !== undefined) await lockd.queues.nack({ ...delivery });
    },
  ],
  [
    "a payload out of a stream",
    async () => {
      const stream = await lockd.queues.subscribe({ queue: "q", owner: "w" });
      for await (const delivery of stream) {
        expect(await read(delivery.payload)).toBe(bodyBytes);
        await lockd.queues.ack({ ...delivery });
        break;
      }
    },
  ],
  ["an attachment in", () => lockd.attachments.attach({ ...lease, name: "a" }, pieces())],
  [
    "an attachment out",
    async () => {
      const { body } = await lockd.attachments.retrieve({ ...lease, name: "a" });
      expect(await read(body)).toBe(bodyBytes);
    },
  ],
  ["a document in", () => lockd.update(lease, document())],
  [
    "a document out",
    async () => expect(await read((await lockd.get(lease)).body)).toBeGreaterThan(bodyBytes / 2.1),
  ],
  ["a body nobody wants", unwanted],
];

test.each(flows)("%s", { timeout: 120_000 }, async (_name, flow) => {
  await mostBytes();
  await flow();
  const most = await mostBytes();
  expect(most).toBeLessThan(buffersMax);
});
