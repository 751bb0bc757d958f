/** Transactions from the shell, with real processes: txn, run --also, and who dies when. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

const program = path.join(import.meta.dirname, "../../bin/lockd.js");
const lockd = `"${process.execPath}" "${program}"`;

async function stateOf(key: string, words: readonly string[] = []): Promise<unknown> {
  const { stdout } = await place.run(["get", key, "--public", "-q", ...words]);
  return JSON.parse(stdout);
}

async function isFree(key: string): Promise<boolean> {
  return (await place.run(["status", key])).stdout.includes("FREE");
}

/** Runs a shell script; LOCKD is the program. */
function shell(script: string, env: object = {}) {
  const file = path.join(place.directory, `script-${Math.random()}.sh`);
  writeFileSync(file, script);
  return place.runProgram(["/bin/sh", file], { env: { LOCKD: lockd, ...env } });
}

describe.concurrent("txn", () => {
  test("begin, two keys, commit; explain and list tell of it", async () => {
    const { code, stdout, stderr } = await shell(`
      set -e
      lockd() { eval "$LOCKD" '"$@"'; }
      eval "$(lockd txn begin)"
      TX=$LOCKD_CLIENT_TXN_ID
      eval "$(lockd acquire t/a)"; echo '{"n":1}' | lockd update >/dev/null
      eval "$(lockd acquire t/b)"; echo '{"n":2}' | lockd update >/dev/null
      [ "$LOCKD_CLIENT_TXN_ID" = "$TX" ]
      lockd txn list --state pending | grep -c "$TX"
      lockd txn explain
      lockd txn commit
      lockd txn replay --output json
      lockd txn explain | head -1
      lockd txn rollback || echo "code $?"
    `);
    expect([code, stderr]).toEqual([0, expect.stringContaining("txn_conflict")]);
    expect(stdout).toMatch(/^1\n/);
    expect(stdout).toMatch(/PENDING[\s\S]*default:t\/a {2}staged[\s\S]*default:t\/b {2}staged/);
    expect(stdout).toMatch(/txn_id=[0-9a-v]{20} state=commit\n/);
    expect(stdout).toMatch(/"state": "commit"/);
    expect(stdout).toMatch(/COMMIT[\s\S]*code 4\n$/);
    expect([await stateOf("t/a"), await stateOf("t/b")]).toEqual([{ n: 1 }, { n: 2 }]);
    expect([await isFree("t/a"), await isFree("t/b")]).toEqual([true, true]);
  });

  test("messages appear with the commit, and not with a rollback", async () => {
    const { code, stdout } = await shell(`
      set -e
      lockd() { eval "$LOCKD" '"$@"'; }
      lockd enqueue raw -d tea >/dev/null
      eval "$(lockd txn begin)"
      lockd dequeue raw --txn-id "$LOCKD_CLIENT_TXN_ID" --owner packer --json >/dev/null
      TX=$LOCKD_CLIENT_TXN_ID
      lockd enqueue parcels -d wrapped --txn-id "$TX" | grep -c "txn_id=$TX"
      lockd txn explain | grep -c "q/parcels/msg/.* staged"
      lockd queue ls --json | grep -c parcels || echo unseen
      lockd txn commit >/dev/null
      lockd queue ls --json | grep -c '"queue": "parcels"'
      lockd queue ls --json | grep -c '"queue": "raw"' || echo consumed
      eval "$(lockd txn begin)"
      lockd enqueue parcels -d dropped --txn-id "$LOCKD_CLIENT_TXN_ID" >/dev/null
      lockd txn rollback >/dev/null
      lockd stats parcels --json | grep -c '"pending_candidates": 1'
      lockd enqueue parcels -d late --txn-id "$LOCKD_CLIENT_TXN_ID" || echo "code $?"
    `);
    expect([code, stdout.trim().split(/\s*\n/)]).toEqual([
      0,
      ["1", "1", "0", "unseen", "1", "0", "consumed", "1", "code 4"],
    ]);
  });

  test("the script of cli.md section 19: releasing one key commits both", async () => {
    const { code, stderr } = await shell(`
      set -e
      lockd() { eval "$LOCKD" '"$@"'; }
      eval "$(lockd acquire -k s/a)"; TX=$LOCKD_CLIENT_TXN_ID; echo '{"n":1}' | lockd update
      eval "$(lockd acquire -k s/b --txn-id "$TX")"; echo '{"n":2}' | lockd update; lockd release
    `);
    expect([code, stderr]).toEqual([0, ""]);
    expect([await stateOf("s/a"), await stateOf("s/b")]).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("long forms, and what is refused before anything is asked", async () => {
    const { stdout } = await place.run(["txn", "begin", "--json"]);
    const { txn_id: txn } = JSON.parse(stdout) as { txn_id: string };
    const prepared = ["client", "txn", "prepare", "--txn-id", txn, "-p", "l/a,other:l/b"];
    expect((await place.run(prepared)).stdout).toBe(`txn_id=${txn} state=pending\n`);
    const told = await place.run(["client", "txn", "explain", txn, "--json"]);
    expect(JSON.parse(told.stdout)).toMatchObject({
      state: "pending",
      participants: [
        { namespace: "default", key: "l/a" },
        { namespace: "other", key: "l/b" },
      ],
    });
    expect((await place.run(["client", "txn", "rollback", txn])).code).toBe(0);
    expect((await place.run(["txn", "commit", "-p", "a@", "--txn-id", txn])).code).toBe(2);
    expect((await place.run(["txn", "commit"])).code).toBe(2);
    expect((await place.run(["txn", "commit", "nope"])).code).toBe(2);
    const unknown = ["txn", "replay", "00000000000000000000"];
    expect((await place.run(unknown)).code).toBe(3);
  });

  test("acquire repeated with its key gets the same lease, from any process", async () => {
    const words = ["acquire", "i/a", "--owner", "me", "--block", "nowait", "--json"];
    const again = [...words, "--idempotency-key", "0123456789abcdef-mine"];
    const [first, second] = [await place.run(again), await place.run(again)];
    const lease = (text: string) => (JSON.parse(text) as { lease_id: string }).lease_id;
    expect(lease(second.stdout)).toBe(lease(first.stdout));
    expect((await place.run(words)).code).toBe(5);
    expect((await place.run([...words, "--idempotency-key", "short"])).code).toBe(12);
  });
});

/** Adds to both keys of a run; the leases of both are in its environment. */
const both = (first: string, second: string, n: number) =>
  `${lockd} update -k ${first} >/dev/null <<E && ${lockd} update -k ${second} >/dev/null <<E\n` +
  `{"n":${n}}\nE\n{"n":${n}}\nE\n`;

describe.concurrent("run --also", () => {
  test("0 commits all keys, anything else none; every key's lease is found", async () => {
    const words = ["run", "r/b", "--also", "r/a", "--", "sh", "-c"];
    const done = await place.run([...words, both("r/a", "r/b", 1)]);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    const failed = await place.run([...words, `${both("r/a", "r/b", 2)}exit 3`]);
    expect(failed.code).toBe(3);
    expect([await stateOf("r/a"), await stateOf("r/b")]).toEqual([{ n: 1 }, { n: 1 }]);
    expect([await isFree("r/a"), await isFree("r/b")]).toEqual([true, true]);
    const main = await place.run([...words, 'echo "$LOCKD_CLIENT_KEY"']);
    expect(main.stdout).toBe("r/b\n");
  });

  test("a busy key: 5, and the others are free", async () => {
    const held = await place.acquire(["busy/b", "--ttl", "60s"]);
    const words = ["run", "busy/a", "--also", "busy/b", "--wait", "1s", "--", "true"];
    expect((await place.run(words)).code).toBe(5);
    expect(await isFree("busy/a")).toBe(true);
    await place.run(["release"], { env: held });
    expect((await place.run(["run", "x", "--also", "X", "--", "true"])).code).toBe(2);
  });

  test("runs that name the same keys in any order do not wait for each other", async () => {
    const keys = ["d/a", "d/b", "d/c"];
    const orders = [0, 1, 2, 0, 1, 2].map((at, index) => {
      const turned = [...keys.slice(at), ...keys.slice(0, at)];
      return index > 2 ? turned.reverse() : turned;
    });
    const results = await Promise.all(
      orders.map(([main = "", ...also]) =>
        place.run(["run", main, ...also.flatMap((k) => ["--also", k]), "--", "sleep", "0.1"]),
      ),
    );
    expect(results.map(({ code }) => code)).toEqual(orders.map(() => 0));
  }, 60_000);

  test("kill -9 of the command: nothing is committed", async () => {
    const words = ["run", "k/a", "--also", "k/b", "--", "sh", "-c"];
    const { code } = await place.run([...words, `${both("k/a", "k/b", 1)}kill -9 $$`]);
    expect(code).toBe(137);
    expect([await stateOf("k/a"), await stateOf("k/b")]).toEqual([null, null]);
  });

  test("kill -9 of lockd run: nothing is committed, and the keys come free", async () => {
    const mark = path.join(place.directory, "staged");
    const script = `${both("m/a", "m/b", 1)}echo yes >${mark}; sleep 60`;
    const words = ["run", "m/a", "--also", "m/b", "--ttl", "4s", "--", "sh", "-c", script];
    const running = place.start(words);
    await vi.waitFor(() => expect(readFileSync(mark, "utf8")).toBe("yes\n"), 20_000);
    running.child.kill("SIGKILL");
    const next = ["run", "m/b", "--also", "m/a", "--wait", "30s", "--", "true"];
    expect((await place.run(next)).code).toBe(0);
    expect([await stateOf("m/a"), await stateOf("m/b")]).toEqual([null, null]);
  }, 60_000);
});

test("kill -9 of the server under run --also: committed by the next server, whole", async () => {
  const own = new Place();
  try {
    const server = await own.serve();
    const mark = path.join(own.directory, "staged");
    const go = path.join(own.directory, "go");
    const wait = `echo yes >${mark}; while [ ! -e ${go} ]; do sleep 0.1; done`;
    const script = `${both("v/a", "v/b", 7)}${wait}`;
    const words = ["run", "v/a", "--also", "v/b", "--ttl", "60s", "--", "sh", "-c", script];
    const running = own.start(words);
    await vi.waitFor(() => expect(readFileSync(mark, "utf8")).toBe("yes\n"), 20_000);
    server.child.kill("SIGKILL");
    await server.ended;
    const next = await own.serve();
    writeFileSync(go, "");
    const { code, stderr } = await running.ended;
    expect([code, stderr]).toEqual([0, expect.any(String)]);
    for (const key of ["v/a", "v/b"]) {
      const { stdout } = await own.run(["get", key, "--public", "-q"]);
      expect(JSON.parse(stdout)).toEqual({ n: 7 });
    }
    next.child.kill("SIGTERM");
    await next.ended;
  } finally {
    own.remove();
  }
}, 60_000);
