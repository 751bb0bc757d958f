/** Long bodies with a length: the answer is over with their last byte. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { BodyOutStream } from "../../src/api/lockd.ts";
import { Exchange } from "../../src/server/exchange.ts";
import { sendStream } from "../../src/server/send-stream.ts";
import { call } from "./raw-http.ts";

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

/** A server that answers with a body, and what becomes of its answers. */
async function serving(body: () => AsyncIterable<Uint8Array>, size: number) {
  const ends: Promise<void>[] = [];
  let closed = 0;
  server = createServer((request, response) => {
    const parts = { request, response, correlationId: "c", search: "", server: calm };
    const stream: BodyOutStream = {
      [Symbol.asyncIterator]: () => body()[Symbol.asyncIterator](),
      close: async () => {
        closed += 1;
      },
    };
    const sent = sendStream(new Exchange(parts), { body: stream, headers: [], size });
    sent.catch(() => response.destroy());
    ends.push(sent);
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, ends, closed: () => closed };
}

const calm = { draining: false };

test("the answer ends with the last byte, whatever its source still has to do", async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(70_000, "a");
    yield Buffer.alloc(10, "b");
    await new Promise(() => {});
  }
  const { url, ends, closed } = await serving(source, 70_010);
  const { text } = await call(url);
  expect(text).toBe("a".repeat(70_000) + "b".repeat(10));
  await ends[0];
  expect(closed()).toBe(1);
});

test.each([
  ["shorter", 11],
  ["longer", 9],
])("a source that is %s than announced cuts the connection", async (_how, size) => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(10, "b");
  }
  const { url, ends, closed } = await serving(source, size);
  await expect(call(url)).rejects.toThrow();
  await expect(ends[0]).rejects.toThrow("not as long as its record says");
  expect(closed()).toBe(1);
});
