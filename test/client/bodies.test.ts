import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { oneShotBody, replayableBody } from "../../src/client/body-input.ts";
import { ReadOnceBody } from "../../src/client/once-body.ts";
import { isReplayable } from "../../src/client/replayable-body.ts";
import type { BodyInput } from "../../src/client/types.ts";
import { cut, ok } from "../support/scripted-server.ts";
import { carrier, failureOf, lease, serve, updateAnswer } from "./http-fixture.ts";

async function textOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function* twice(bytes: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < times; i += 1) yield bytes;
}

const text = '{"ö":1}';
const inputs: [string, () => BodyInput][] = [
  ["a text", () => text],
  ["bytes", () => Buffer.from(text)],
  ["a Blob", () => new Blob([text])],
  ["a web stream", () => new Blob([text]).stream() as ReadableStream<Uint8Array>],
  ["a node stream", () => Readable.from([Buffer.from(text)])],
  ["a node stream of text", () => Readable.from([text])],
  ["an iterable", () => twice(Buffer.from(text), 1)],
  ["a function", () => () => text],
  ["an async function of a stream", () => async () => Readable.from([Buffer.from(text)])],
];

describe("bodies in", () => {
  it.each(inputs)("%s can be sent twice, or once unkept", async (_name, input) => {
    const kept = await replayableBody(input());
    expect(isReplayable(kept.body)).toBe(true);
    expect(await textOf(kept.body)).toBe(text);
    expect(await textOf(kept.body)).toBe(text);
    await kept.dispose();
    const once = await oneShotBody(input());
    expect(isReplayable(once)).toBe(false);
    expect(await textOf(once)).toBe(text);
  });

  it("keeps a long one-shot stream in a file without a name, sends it twice", async () => {
    const part = Buffer.alloc(1024 * 1024, 0x61);
    const kept = await replayableBody(twice(part, 6));
    expect(kept.body).not.toBeInstanceOf(Uint8Array);
    const left = (await readdir(tmpdir())).filter((name) => name.startsWith("lockd-body-"));
    expect(left).toEqual([]);
    const server = await serve([cut, ok(updateAnswer)]);
    await carrier(server.url).update(lease, kept.body);
    await kept.dispose();
    const sums = server.requests.map(({ body }) => createHash("sha256").update(body).digest("hex"));
    expect(sums[0]).toBe(sums[1]);
    expect(server.requests[1]?.headers["content-length"]).toBe(String(6 * 1024 * 1024));
  });

  it("a failing stream keeps nothing and rejects with its own error", async () => {
    const boom = new Error("source");
    const failing = async function* () {
      yield* twice(Buffer.alloc(1024 * 1024), 5);
      throw boom;
    };
    expect(await failureOf(replayableBody(failing()))).toBe(boom);
  });

  it("refuses chunks that are not bytes", async () => {
    const wrong = Readable.from([{ a: 1 }], { objectMode: true });
    expect(await failureOf(replayableBody(wrong))).toMatchObject({ code: "invalid_option" });
  });
});

describe("bodies out", () => {
  const small = () => new ReadOnceBody(Buffer.from(text), Buffer.byteLength(text));
  const streamed = () =>
    new ReadOnceBody(
      Object.assign(twice(Buffer.from("[1,2]"), 1), { close: () => Promise.resolve() }),
      -1,
    );

  it("reads in every form", async () => {
    expect(await small().text()).toBe(text);
    expect(await small().json()).toEqual({ ö: 1 });
    expect(await streamed().json()).toEqual([1, 2]);
    expect(await textOf(streamed().stream())).toBe("[1,2]");
    expect(await textOf(small().nodeStream() as Readable)).toBe(text);
    expect(small().size).toBe(8);
    expect(streamed().size).toBeUndefined();
  });

  it("pipes to both kinds of streams and counts", async () => {
    const node = new PassThrough();
    expect(await small().pipeTo(node)).toBe(8);
    expect(await textOf(node)).toBe(text);
    const web = new TransformStream<Uint8Array, Uint8Array>();
    const read = textOf(web.readable);
    expect(await streamed().pipeTo(web.writable)).toBe(5);
    expect(await read).toBe("[1,2]");
  });

  it("rejects when the destination fails", async () => {
    const node = new PassThrough({ highWaterMark: 1 });
    node.destroy(new Error("disk full"));
    expect(await failureOf(small().pipeTo(node))).toBeInstanceOf(Error);
  });

  it("is read once", async () => {
    const body = small();
    await body.text();
    expect(await failureOf(body.bytes())).toBeInstanceOf(TypeError);
    const closed = streamed();
    await closed.close();
    expect(() => closed.stream()).toThrow(TypeError);
  });
});
