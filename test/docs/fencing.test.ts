/** The recipes of docs/fencing.md do what the page says. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "../e2e/lockd-process.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/fencing.md"), "utf8");

function blocks(language: string): string[] {
  const fence = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g");
  return [...page.matchAll(fence)].map(([, block = ""]) => block);
}

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

test("files: the shell recipe", async () => {
  const [script = ""] = blocks("sh");
  const run = () => place.runScript(script);
  const first = await run();
  expect([first.code, first.stderr]).toEqual([0, ""]);
  expect(first.stdout).toMatch(
    /token 1 passes \(the first\); .*report.txt replaced[\s\S]*"seen": 1/,
  );
  const second = await run();
  expect([second.code, second.stderr]).toEqual([6, expect.stringContaining("fencing_token_stale")]);
  const report = readFileSync(path.join(place.directory, "report.txt"), "utf8");
  expect(report).toBe("made under token 2\n");
});

test("SQL: rows that carry their token, and a table of tokens", () => {
  const [rows = "", writeRow = "", tokens = "", raise = "", ...more] = blocks("sql");
  expect(more).toEqual([]);
  const db = new Database(":memory:");
  db.exec(rows);
  db.exec(tokens);
  const write = (token: number, body: string) =>
    db.prepare(writeRow).run({ id: "r", body, token }).changes;
  expect([write(2, "a"), write(2, "b"), write(1, "late"), write(5, "c")]).toEqual([1, 1, 0, 1]);
  expect(db.prepare("SELECT * FROM report").all()).toEqual([{ id: "r", body: "c", fence: 5 }]);
  const [everywhere = ""] = /UPDATE report SET[^`]*/.exec(page) ?? [];
  const update = (token: number) =>
    db.prepare(everywhere).run({ id: "r", body: "x", token }).changes;
  expect([update(4), update(5), update(6)]).toEqual([0, 1, 1]);
  const passes = (token: number) => db.prepare(raise).run({ resource: "r", token }).changes;
  expect([passes(3), passes(2), passes(3), passes(4)]).toEqual([1, 0, 1, 1]);
  db.close();
});

test("HTTP: the service refuses an older token", async () => {
  const [code = ""] = blocks("js");
  const file = path.join(place.directory, "service.mjs");
  writeFileSync(file, code);
  const { service } = (await import(pathToFileURL(file).href)) as { service: Server };
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  const put = async (target: string, token?: string) => {
    const headers = token === undefined ? {} : { "X-Fencing-Token": token };
    const response = await fetch(url + target, { method: "PUT", body: "x", headers });
    return response.status;
  };
  const statuses = [await put("/a", "3"), await put("/a", "3"), await put("/a", "2")];
  expect(statuses).toEqual([204, 204, 412]);
  expect([await put("/b", "1"), await put("/a", "4"), await put("/a")]).toEqual([204, 204, 428]);
  service.closeAllConnections();
  service.close();
});
