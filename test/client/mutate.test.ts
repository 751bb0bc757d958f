/** mutate and mutateLocal of sessions, what is sent again and what is not, and Document. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConflictError, LqlSyntaxError } from "../../src/api/errors.ts";
import { Document } from "../../src/client/document.ts";
import { mutate } from "../../src/client/free-functions.ts";
import { JumpingClock } from "../support/jumping-clock.ts";
import { cut, failed, ok } from "../support/scripted-server.ts";
import { carrier, failureOf, lease, serve, updateAnswer } from "./http-fixture.ts";
import { lostAnswer, request, sessionFixture } from "./session-fixture.ts";

const directory = mkdtempSync(path.join(tmpdir(), "lockd-mutate-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string | Uint8Array): string {
  const full = path.join(directory, name);
  writeFileSync(full, content);
  return full;
}

describe("session.mutate", () => {
  it("sends one expression each, with the conditions of the session", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    const first = await session.mutate('/a="x,y", /b{/c=1,/d=2}\n/n++');
    expect(first).toMatchObject({ newVersion: 1, bytes: 35 });
    await mutate(session, ["/w=a,b", " "], { queryHidden: true });
    expect(await session.load()).toEqual({ a: "x,y", b: { c: 1, d: 2 }, n: 1, w: "a,b" });
    const [one, two] = lockd.requests("mutate");
    expect(one).toMatchObject({ mutations: ['/a="x,y"', "/b{/c=1,/d=2}", "/n++"] });
    expect(one?.ifStateEtag).toBeUndefined();
    expect(two).toMatchObject({ ifVersion: 1, ifStateEtag: first.newStateEtag, queryHidden: true });
    await session.mutate("/n++", { ifEtag: null, ifVersion: null });
    expect(lockd.requests("mutate")[2]?.ifStateEtag).toBeUndefined();
    const conflict = await failureOf(session.mutate("/n++", { ifEtag: "stale" }));
    expect(conflict).toBeInstanceOf(ConflictError);
    await session.release();
  });

  it.each([
    ["/a", LqlSyntaxError],
    ["file:/a=x", LqlSyntaxError],
    [" , \n", Error],
    [[], Error],
  ])("%j fails before any request", async (lql, kind) => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    expect(await failureOf(session.mutate(lql))).toBeInstanceOf(kind);
    expect(lockd.requests("mutate")).toEqual([]);
  });

  it("a lost answer leaves the session with possibly staged work", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    lockd.lose("mutate", lostAnswer());
    expect(await failureOf(session.mutate("/n++"))).toMatchObject({ outcomeUnknown: true });
    expect(await session.load()).toEqual({ n: 1 });
  });
});

describe("session.mutateLocal", () => {
  it("reads, changes and stages with what was read as the condition", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    await session.mutateLocal("/n++");
    expect(lockd.requests("update")[0]).toMatchObject({ ifVersion: undefined });
    const { newStateEtag } = await session.mutateLocal(["/n++"]);
    expect(lockd.requests("update")[1]).toMatchObject({ ifVersion: 1 });
    expect(session.stateEtag).toBe(newStateEtag);
    await session.mutateLocal("/n++", { useFetchedCas: false });
    expect(lockd.requests("update")[2]).toMatchObject({
      ifVersion: undefined,
      ifStateEtag: undefined,
    });
    expect(await session.load()).toEqual({ n: 3 });
  });

  it("puts files into the document: text, base64, or whichever fits", async () => {
    const text = `a "quoted" line\n${"é".repeat(70_000)}\u2028\t`;
    const binary = Uint8Array.from({ length: 100_001 }, (_, index) => index % 256);
    file("text.txt", text);
    file("binary.bin", binary);
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    const lql = "textfile:/t=text.txt,base64file:/b=binary.bin,file:/x=text.txt,file:/y=binary.bin";
    await session.mutateLocal(`${lql},base64file:/z=text.txt`, { baseDir: directory });
    const base64 = Buffer.from(binary).toString("base64");
    expect(await session.load()).toEqual({
      t: text,
      b: base64,
      x: text,
      y: base64,
      z: Buffer.from(text).toString("base64"),
    });
  });

  it.each(["bad\0nul", Buffer.from([0x61, 0xff, 0xfe])])(
    "a textfile that is no text stages nothing",
    async (content) => {
      const full = file("bad.txt", content);
      const { client, lockd } = sessionFixture();
      const session = await client.acquire(request);
      const error = await failureOf(session.mutateLocal(`textfile:/t=${full}`));
      expect(error).toMatchObject({ code: "invalid_document" });
      expect((await lockd.status({ key: request.key })).staged).toBe(false);
    },
  );

  it("relative paths need a base, missing files are named", async () => {
    const { client, lockd } = sessionFixture();
    const session = await client.acquire(request);
    expect(String(await failureOf(session.mutateLocal("file:/t=x.txt")))).toMatch(/baseDir/);
    expect(lockd.requests("get")).toEqual([]);
    const missing = session.mutateLocal("file:/t=/no/such/file");
    expect(String(await failureOf(missing))).toMatch(/\/no\/such\/file cannot be read/);
  });

  it("large documents stream through, also when they are looked at twice", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    const list = Array.from({ length: 40_000 }, (_, index) => ({ index }));
    await session.save({ list });
    await session.mutateLocal("/list/39999/index=x, /count++");
    const state = await session.load<{ list: { index: unknown }[]; count: number }>();
    expect(state.list[39_999]).toEqual({ index: "x" });
    expect(state.list).toHaveLength(40_000);
    expect(state.count).toBe(1);
  });
});

describe("what is sent again", () => {
  const passive = failed(503, "node_passive");

  it.each([
    ["a step without conditions is not", { mutations: ["/n++"] }, 1],
    ["a set is", { mutations: ["/n=1"] }, 2],
    ["a step under a version is", { mutations: ["/n++"], ifVersion: 3 }, 2],
    ["a step under an etag is", { mutations: ["/n++"], ifStateEtag: "e3" }, 2],
    ["one that commits is not", { mutations: ["/n=1"], release: "commit" as const }, 1],
  ])("after a cut connection, %s", async (_name, part, tries) => {
    const server = await serve([cut, ok(updateAnswer)]);
    const lockd = carrier(server.url, { clock: new JumpingClock({ jumpBelowMs: 1_000 }) });
    const outcome = await lockd.mutate({ ...lease, ...part }).catch((error: unknown) => error);
    expect(server.requests).toHaveLength(tries);
    if (tries === 1) expect(outcome).toMatchObject({ code: "transport", outcomeUnknown: true });
    else expect(outcome).toMatchObject({ newVersion: 4 });
  });

  it("a passive node did nothing: even a step is sent again", async () => {
    const server = await serve([passive, passive, ok(updateAnswer)]);
    const lockd = carrier(server.url, { clock: new JumpingClock({ jumpBelowMs: 1_000 }) });
    await lockd.mutate({ ...lease, mutations: ["/n++"] });
    expect(server.requests).toHaveLength(3);
    expect(JSON.parse(server.requests[0]?.body.toString() ?? "")).toEqual({ mutations: ["/n++"] });
  });

  it("a repeat that meets a conflict says that the first may have counted", async () => {
    const server = await serve([cut, failed(409, "version_conflict", { current_version: 4 })]);
    const lockd = carrier(server.url, { clock: new JumpingClock({ jumpBelowMs: 1_000 }) });
    const error = await failureOf(lockd.mutate({ ...lease, mutations: ["/n++"], ifVersion: 3 }));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error).toMatchObject({ outcomeUnknown: true });
  });
});

describe("Document", () => {
  it("changes what is named and keeps the rest", async () => {
    const { client } = sessionFixture();
    const session = await client.acquire(request);
    expect((await Document.from(await session.get())).json()).toEqual({});
    await session.update('{"price": 1.10, "big": 9007199254740993}');
    const doc = await Document.from(await session.get());
    doc.mutate("/big++", "/a=1,/b=2").mutateAt(new Date(0), "time:/t=NOW");
    const text = '{"price":1.10,"big":9007199254740994,"a":1,"b":2,"t":"1970-01-01T00:00:00Z"}';
    expect(Buffer.from(doc.bytes()).toString()).toBe(text);
    const chunks: Uint8Array[] = [];
    for await (const chunk of doc.stream()) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe(text);
    await session.update(doc.bytes());
    expect(await session.load()).toEqual(doc.json());
  });

  it("a failed mutate leaves it as it was; only objects are documents", () => {
    const doc = new Document('{"n":1,"s":"x"}');
    expect(() => doc.mutate("/n++", "/s++")).toThrow(/not a number/);
    expect(doc.json()).toEqual({ n: 1, s: "x" });
    expect(() => new Document("[]")).toThrow(/not a JSON object/);
  });

  it("is made from rows, texts and values", async () => {
    expect((await Document.from({ a: 1 })).json()).toEqual({ a: 1 });
    expect((await Document.from('{"a":2}')).json()).toEqual({ a: 2 });
    const doc = { bytes: () => Promise.resolve(Buffer.from('{"a":3}')) };
    expect((await Document.from({ doc } as never)).json()).toEqual({ a: 3 });
  });
});
