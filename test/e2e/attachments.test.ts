/** The attachment commands as a user meets them (cli.md section 7.11). */
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

function inPlace(name: string): string {
  return path.join(place.directory, name);
}

describe.concurrent("attachments", () => {
  test("put, list, get, delete and delete-all, inline", async () => {
    const env = await place.acquire(["files", "--ttl", "120s"]);
    const run = (words: string[], input?: string) =>
      place.run(["attachments", ...words], input === undefined ? { env } : { env, input });
    const bytes = randomBytes(200_000);
    writeFileSync(inPlace("in.bin"), bytes);
    const put = await run(["put", "--name", "in.bin", "-f", "in.bin", "--content-type", "a/b"]);
    expect(JSON.parse(put.stdout)).toMatchObject({
      attachment: { name: "in.bin", size: 200_000, content_type: "a/b" },
      version: 1,
    });
    expect((await run(["put", "--name", "notes", "--file", "-"], "from stdin")).code).toBe(0);
    const none = await place.run(["attachments", "list", "files", "--public"]);
    expect(JSON.parse(none.stdout)).toEqual({
      namespace: "default",
      key: "files",
      attachments: [],
    });
    const text = await run(["list", "--output", "text"]);
    expect(text.stdout).toMatch(/^in\.bin\t200000\t[0-9a-f-]{36}\nnotes\t10\t[0-9a-f-]{36}\n$/);
    const got = await run(["get", "--name", "in.bin", "-o", "out.bin"]);
    expect([got.code, got.stdout, got.stderr]).toEqual([0, "", ""]);
    expect(readFileSync(inPlace("out.bin")).equals(bytes)).toBe(true);
    expect(statSync(inPlace("out.bin")).mode & 0o777).toBe(0o600);
    const id = text.stdout.split("\t").at(-1)?.trim() ?? "";
    expect((await run(["get", "--id", id])).stdout).toBe("from stdin");
    await place.run(["release"], { env });
    const published = await place.run(["attachments", "get", "files", "--public", "--id", id]);
    expect(published.stdout).toBe("from stdin");
    const again = await place.acquire(["files", "--ttl", "120s"]);
    const change = (words: string[]) =>
      place.run(["client", "attachments", ...words], { env: again });
    const gone = await change(["delete", "--name", "nothing"]);
    expect(JSON.parse(gone.stdout)).toEqual({ deleted: false, version: 1 });
    const one = await change(["delete", "--name", "notes"]);
    expect(JSON.parse(one.stdout)).toEqual({ deleted: true, version: 2 });
    const all = await change(["delete-all"]);
    expect(JSON.parse(all.stdout)).toEqual({ deleted: 1, version: 2 });
  });

  test("the same through a server, which owns the store", async () => {
    const own = new Place();
    try {
      const server = await own.serve(["--drain-grace", "0s"]);
      const env = await own.acquire(["served", "-s", server.url, "--ttl", "120s"]);
      const words = ["attachments", "put", "-s", server.url, "--name", "ä b", "--file", "-"];
      const put = await own.run(words, { env, input: "over http" });
      expect(JSON.parse(put.stdout)).toMatchObject({ attachment: { name: "ä b", size: 9 } });
      const kept = await own.run([...words, "--prevent-overwrite"], { env, input: "other" });
      expect(JSON.parse(kept.stdout)).toMatchObject({ noop: true, attachment: { size: 9 } });
      await own.run(["release", "-s", server.url], { env });
      // Through the socket in the store directory, too.
      const got = await own.run(["attachments", "get", "served", "--public", "--name", "ä b"]);
      expect([got.stdout, got.code]).toEqual(["over http", 0]);
      server.child.kill("SIGTERM");
      expect((await server.ended).code).toBe(0);
    } finally {
      own.remove();
    }
  });

  test("what is missing or wrong has the exit code of its kind", async () => {
    const env = await place.acquire(["codes", "--ttl", "120s"]);
    const run = (words: string[]) => place.run(["attachments", ...words], { env });
    expect((await run(["get"])).code).toBe(2);
    expect((await run(["delete"])).code).toBe(2);
    expect((await run(["put", "--name", "f"])).code).toBe(2);
    const unreadable = await run(["put", "--name", "f", "-f", "no-such-file"]);
    expect([unreadable.code, unreadable.stderr]).toEqual([2, expect.stringContaining("no-such")]);
    expect((await run(["put", "--name", "f", "-f", place.directory])).code).toBe(2);
    const absent = await run(["get", "--name", "f", "-o", "absent.bin"]);
    expect([absent.code, absent.stderr]).toEqual([3, expect.stringContaining("attachment_not_fo")]);
    expect(existsSync(inPlace("absent.bin"))).toBe(false);
    writeFileSync(inPlace("five"), "fives");
    const large = await run(["put", "--name", "f", "-f", "five", "--max-bytes", "4"]);
    expect([large.code, large.stderr]).toEqual([12, expect.stringContaining("too_large")]);
    const lost = await place.run(["attachments", "list", "codes"], {
      env: { ...env, LOCKD_CLIENT_FENCING_TOKEN: "9" },
    });
    expect(lost.code).toBe(6);
    const noTxn = await place.run(["attachments", "list"], {
      env: { ...env, LOCKD_CLIENT_TXN_ID: "" },
    });
    expect([noTxn.code, noTxn.stderr]).toEqual([2, expect.stringContaining("LOCKD_CLIENT_TXN_ID")]);
  });

  test("a download that breaks off leaves no file and ends with 8", async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { "Content-Length": "1000000", "X-Attachment-Size": "1000000" });
      response.write(randomBytes(200_000), () => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const words = ["attachments", "get", "k", "--public", "-s", url, "--name", "f"];
      const broken = await place.run([...words, "-o", "broken.bin"]);
      expect([broken.code, broken.stderr]).toEqual([8, expect.stringContaining("truncated")]);
      expect(readdirSync(place.directory).filter((name) => name.startsWith("broken"))).toEqual([]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("bytes that are not those of the upload are never handed out as a file", async () => {
    const sum = "0".repeat(64);
    const server = createServer((_request, response) => {
      response.writeHead(200, { "Content-Length": "4", "X-Attachment-SHA256": sum });
      response.end("four");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const words = ["attachments", "get", "k", "--public", "-s", url, "--name", "f"];
      const damaged = await place.run([...words, "-o", "damaged.bin"]);
      expect([damaged.code, damaged.stderr]).toEqual([8, expect.stringContaining("SHA-256")]);
      expect(existsSync(inPlace("damaged.bin"))).toBe(false);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
