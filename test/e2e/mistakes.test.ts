/** What plausible mistakes are answered with: the code, and words that say what to type. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

const place = new Place();
afterAll(() => place.remove());

async function told(words: readonly string[], env: object = {}): Promise<string> {
  const { code, stdout, stderr } = await place.run(words, { env });
  return `${code} ${stdout}${stderr}`.trimEnd();
}

test.each([
  [["acquire", ""], "2 lockd: usage: the key is empty"],
  [["run", "", "--", "true"], "2 lockd: usage: the key is empty"],
  [["release", "-k", " "], "2 lockd: usage: the key is empty"],
  [["--timeout", "5", "status", "a"], '2 lockd: usage: --timeout "5" is not a duration; write for'],
  [
    ["work", "mail"],
    "2 lockd: usage: there is no command to run; .* lockd work mail -- ./backup.sh",
  ],
  [["run"], "2 lockd: usage: there is no command to run; .* lockd run KEY -- ./backup.sh --all"],
  [
    ["mutate", "jobs/nightly", "/n++"],
    '2 lockd: usage: "jobs/nightly" is no mutation .* named with -k',
  ],
  [
    ["queue", "nosuch"],
    '2 lockd: usage: there is no command "queue nosuch" .see lockd queue --help',
  ],
  [
    ["txn", "comit"],
    '2 lockd: usage: there is no command "txn comit"; did you mean "lockd txn commit"',
  ],
  [
    ["serve", "--store", "mem://", "--listen", "unix:///x.sock"],
    '2 lockd: usage: listen "unix:///x.sock" must be host:port, .* --listen-proto unix --listen /',
  ],
  [
    ["serve", "--store", "mem://", "--log-level", "loud"],
    '2 lockd: usage: log-level "loud" must be trace, debug, info',
  ],
  [["-s", "http:/h:1", "status", "a"], '2 lockd: invalid_option: endpoint "http:/h:1" is not an'],
  [
    ["-s", "http//h", "status", "a"],
    '2 lockd: invalid_option: endpoint "http//h" is not an address',
  ],
])("%j", async (words, text) => {
  // A shell that holds another key: an empty one must not mean that.
  const answer = await told(words, { LOCKD_CLIENT_KEY: "other" });
  expect(answer.replace(/\n.*/s, "")).toMatch(new RegExp(`^${text}`));
});

test("plain HTTP where TLS was asked for: the address to write", async () => {
  const server = createServer((_, response) => response.end("{}"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    expect(await told(["-s", `127.0.0.1:${port}`, "status", "a", "--timeout", "20s"])).toContain(
      `speaks no TLS; for plain HTTP write http://127.0.0.1:${port})\nnext: `,
    );
  } finally {
    server.close();
  }
});

test("a store that is a file, and one that nobody made", async () => {
  const file = path.join(place.directory, "file");
  writeFileSync(file, "");
  const refused = `8 lockd: store_unusable: ${file} cannot be used: ${file}: not a directory\n`;
  expect(await told(["acquire", "a", "--store", `disk://${file}`])).toContain(refused);
  const missing = path.join(place.directory, "missing");
  const checks = await told(["verify", "store", "--store", `disk://${missing}`]);
  expect(checks).toContain(`RootExists: ${missing} is not there; the first command that uses it`);
  expect(checks).toContain("ConcurrentMetaCAS: not tried, as RootExists failed");
  expect(checks).not.toContain(".lockd-verify");
});

test.skipIf(process.platform !== "linux")(
  "a default config file that cannot be read is not passed over",
  async () => {
    const config = path.join(place.directory, "closed-to-all");
    mkdirSync(config);
    const file = path.join(config, "config.yaml");
    // A file to whoever looks, and unreadable from its beginning even for root.
    symlinkSync("/proc/self/mem", file);
    const unreadable = `2 lockd: usage: the config file ${file} cannot be read: `;
    expect(await told(["status", "a"], { LOCKD_CONFIG_DIR: config })).toContain(unreadable);
  },
);

// Root may read everything: the store of another user is only tried by tests that are not root.
test.skipIf(process.getuid?.() === 0)("what may not be read is said", async () => {
  const config = path.join(place.directory, "closed");
  mkdirSync(config);
  const file = path.join(config, "config.yaml");
  writeFileSync(file, "client: {server: 'http://127.0.0.1:1'}\n", { mode: 0o000 });
  const unreadable = `2 lockd: usage: the config file ${file} cannot be read: EACCES`;
  expect(await told(["status", "a"], { LOCKD_CONFIG_DIR: config })).toContain(unreadable);
  const store = path.join(place.directory, "others");
  await place.run(["acquire", "a", "--store", `disk://${store}`]);
  chmodSync(store, 0o000);
  const denied = await told(["status", "a", "--store", `disk://${store}`]);
  chmodSync(store, 0o700);
  expect(denied).toContain(`8 lockd: store_unusable: ${store} cannot be used: `);
});

test("a context that the shell's own variables make void", async () => {
  const env = { LOCKD_CLIENT_STORE: "disk:///tmp/elsewhere" };
  const words = ["context", "add", "there", "--server", "http://there:9341", "--use"];
  const note = "LOCKD_CLIENT_STORE is set in this shell and goes before the context";
  expect(await told(words, env)).toContain(note);
  expect(await told(["context", "use", "there"], env)).toContain(note);
  expect(await told(["context", "use", "there"], { LOCKD_CONTEXT: "there" })).toBe(
    "0 using context there",
  );
  await place.run(["context", "use", "--none"]);
});

test("a command that does not exist: nothing goes on, and nothing is said to", async () => {
  await place.run(["enqueue", "mail", "-d", "x"]);
  const answer = await told(["work", "mail", "--", "./nosuch"]);
  expect(answer).toMatch(/^127 .*command_not_started: \.\/nosuch: not found/s);
  expect(answer).not.toContain("may go on");
});
