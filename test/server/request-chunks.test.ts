/** Long bodies as an endpoint reads them: chunks that are lent, held back, broken off, left. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { discardBody, RequestChunks } from "../../src/server/request-chunks.ts";
import { RawConnection } from "./raw-http.ts";

const open: { server: Server; connections: RawConnection[] }[] = [];
afterEach(async () => {
  for (const { server, connections } of open.splice(0)) {
    for (const { socket } of connections) socket.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A connection to a server whose requests go to `handle`, and what becomes of the first. */
async function served<T>(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<T>,
): Promise<{ readonly connection: RawConnection; readonly outcome: Promise<T> }> {
  const { promise: outcome, resolve, reject } = Promise.withResolvers<T>();
  outcome.catch(() => {});
  const server = createServer((request, response) => {
    handle(request, response).then(resolve, reject);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = new RawConnection(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  );
  open.push({ server, connections: [connection] });
  return { connection, outcome };
}

function post(length: number): string {
  return `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
}

test("every byte comes, and a chunk's memory is gone when the next one is asked for", async () => {
  const { connection, outcome } = await served(async (request) => {
    const parts: Buffer[] = [];
    const lengths: number[] = [];
    let before: Uint8Array | undefined;
    for await (const chunk of new RequestChunks(request)) {
      if (before !== undefined) lengths.push(before.length);
      before = chunk.length < 4_096 ? undefined : chunk;
      parts.push(Buffer.from(chunk));
    }
    return { bytes: Buffer.concat(parts), lengths };
  });
  const bytes = randomBytes(3_000_000);
  connection.say(post(bytes.length));
  connection.socket.write(bytes);
  const seen = await outcome;
  expect(seen.bytes.equals(bytes)).toBe(true);
  expect(seen.lengths.length).toBeGreaterThan(10);
  expect(new Set(seen.lengths)).toEqual(new Set([0]));
});

test("a reader that does not ask holds the client up, whoever lets the request run", async () => {
  const { promise: asks, resolve: ask } = Promise.withResolvers<void>();
  const { connection, outcome } = await served(async (request) => {
    const chunks = new RequestChunks(request);
    let bytes = (await chunks.next()).value?.length ?? 0;
    request.resume();
    await asks;
    const held = process.memoryUsage().arrayBuffers;
    for await (const chunk of chunks) bytes += chunk.length;
    return { held, bytes };
  });
  const size = 64_000_000;
  const before = process.memoryUsage().arrayBuffers + size;
  connection.say(post(size));
  const body = Buffer.alloc(size);
  const { socket } = connection;
  socket.write(body);
  // Nothing moves any more: the socket's buffers are full.
  let waiting = -1;
  const isStill = (): boolean => {
    const same = socket.bytesWritten - socket.writableLength === waiting;
    waiting = socket.bytesWritten - socket.writableLength;
    return same;
  };
  await expect.poll(isStill, { interval: 200, timeout: 20_000 }).toBe(true);
  ask();
  const { held, bytes } = await outcome;
  expect(held - before).toBeLessThan(4_000_000);
  // Named here so that it was not collected before.
  expect(bytes).toBe(body.length);
});

test("a body that breaks off fails, before it is read or after", async () => {
  for (const waits of [false, true]) {
    const { connection, outcome } = await served(async (request) => {
      if (waits) await once(request, "close");
      for await (const _ of new RequestChunks(request));
    });
    connection.say(post(1_000_000));
    // Little enough that the server goes on reading, and sees the end, before anybody asks.
    connection.socket.write(Buffer.alloc(20_000), () => connection.socket.destroy());
    await expect(outcome).rejects.toThrow(/closed the connection|aborted/);
  }
});

test("what somebody else has let run does not pass for a whole body", async () => {
  for (const waits of [false, true]) {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { connection, outcome } = await served(async (request) => {
      discardBody(request);
      await once(request, waits ? "end" : "data");
      begin();
      for await (const _ of new RequestChunks(request));
    });
    connection.say(post(200_000));
    connection.socket.write(Buffer.alloc(100_000));
    if (!waits) await begun;
    connection.socket.write(Buffer.alloc(100_000));
    await expect(outcome).rejects.toThrow("closed the connection");
  }
});

test("who stops early leaves the connection to its next request", async () => {
  const { connection } = await served(async (request, response) => {
    let first = 0;
    for await (const chunk of new RequestChunks(request)) {
      first = chunk.length;
      break;
    }
    response.end(first > 0 ? "enough" : "nothing");
    discardBody(request);
  });
  connection.say(post(2_000_000));
  connection.socket.write(Buffer.alloc(2_000_000, "x"));
  connection.say(post(3));
  connection.say("end");
  await connection.until(/enough.*enough/s);
});

test("discarding leaves the chunks to a reader that is still there", async () => {
  const { connection, outcome } = await served(async (request) => {
    const chunks = new RequestChunks(request);
    const parts = [Buffer.from((await chunks.next()).value ?? [])];
    discardBody(request);
    for await (const chunk of chunks) parts.push(Buffer.from(chunk));
    return Buffer.concat(parts);
  });
  const bytes = randomBytes(1_000_000);
  connection.say(post(bytes.length));
  connection.socket.write(bytes);
  expect((await outcome).equals(bytes)).toBe(true);
});

test.each([0, 1, 2, 3, 4])("a request that breaks %i ticks before its reader stops", async (n) => {
  const { connection, outcome } = await served(async (request) => {
    const chunks = new RequestChunks(request);
    await chunks.next();
    const pending = chunks.next();
    pending.catch(() => {});
    // Not `once`, which would listen for the error, too.
    const closed = new Promise((resolve) => {
      request.on("close", resolve);
    });
    const stop = (ticks: number): void => {
      if (ticks === 0) void chunks.return();
      else process.nextTick(stop, ticks - 1);
    };
    request.destroy(new Error("broken"));
    stop(n);
    await Promise.allSettled([closed, pending]);
    return "no exception of the process";
  });
  connection.say(post(200_000));
  connection.socket.write(Buffer.alloc(100));
  expect(await outcome).toBe("no exception of the process");
});
