/** Which lockds are looked at side by side. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ConnectFlags } from "../../src/cli/connect.ts";
import { connectEach } from "../../src/cli/connect-each.ts";

const directory = mkdtempSync(path.join(tmpdir(), "lockd-each-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const config = path.join(directory, "config.yaml");
writeFileSync(
  config,
  "client:\n  islands:\n    west: {server: 'http://w:1,http://w:2'}\n" +
    "    east: {server: 'http://e:1'}\n",
);

async function each(flags: ConnectFlags, more: { each?: boolean; allIslands?: boolean } = {}) {
  const input = {
    flags: { config, ...flags },
    typed: new Set(Object.keys(flags)),
    env: { LOCKD_CONFIG_DIR: directory },
  };
  const options = { each: false, allIslands: false, max: 3, ...more };
  const connections = await connectEach(input, options);
  await Promise.all(connections.map(({ lockd }) => lockd.close()));
  return connections.map(({ label, mode }) => [
    label,
    mode.kind === "server" ? mode.endpoints : mode.storeUrl,
  ]);
}

test("one lockd, unless more are asked for", async () => {
  const server = "http://a:1,http://b:2";
  expect(await each({ server })).toEqual([[server, server]]);
  expect(await each({ store: "mem://" })).toEqual([["mem://", "mem://"]]);
  expect(await each({ island: "east" })).toEqual([["http://e:1", "http://e:1"]]);
});

test("every endpoint by itself, also those of an island", async () => {
  const two = [
    ["http://a:1", "http://a:1"],
    ["http://b:2", "http://b:2"],
  ];
  expect(await each({ server: "http://a:1, http://b:2," }, { each: true })).toEqual(two);
  const west = await each({ island: "west" }, { each: true });
  expect(west.map(([label]) => label)).toEqual(["http://w:1", "http://w:2"]);
});

test("every island, whatever server is named besides", async () => {
  const both = [
    ["east", "http://e:1"],
    ["west", "http://w:1,http://w:2"],
  ];
  expect(await each({}, { allIslands: true })).toEqual(both);
  expect(await each({ server: "http://a:1" }, { allIslands: true })).toEqual(both);
});

test("too many are refused, and so is nothing", async () => {
  const server = "http://a:1,http://b:1,http://c:1,http://d:1";
  await expect(each({ server }, { each: true })).rejects.toThrow("4 servers are too many");
  const empty = path.join(directory, "empty.yaml");
  writeFileSync(empty, "client: {}\n");
  await expect(each({ config: empty }, { allIslands: true })).rejects.toThrow("no client.islands");
});
