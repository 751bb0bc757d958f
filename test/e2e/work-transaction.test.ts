/** `lockd work --transaction` with real processes: a message and its command have one fate. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Place, type Started } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 180_000 });

/** The scripts of commands find `lockd` by its name. */
function installLockd(place: Place): void {
  const program = path.join(import.meta.dirname, "../../bin/lockd.js");
  const text = `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`;
  writeFileSync(path.join(place.directory, "lockd"), text, { mode: 0o755 });
}

function linesOf(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

/** Acquires $1, counts it up, and stages that. */
const count = `
count() {
  lease=$(lockd acquire "$1" --ttl 6s --block 60s) || exit 9
  eval "$lease"
  lockd mutate /n++ >/dev/null || exit 8
}`;

describe.concurrent.each(["inline", "over HTTP"])("%s", (carrier) => {
  let place: Place;
  let server: (Started & { readonly url: string }) | undefined;
  beforeAll(async () => {
    place = new Place();
    installLockd(place);
    if (carrier === "over HTTP") server = await place.serve();
  });
  afterAll(async () => {
    server?.child.kill("SIGTERM");
    await server?.ended;
    place.remove();
  });

  const env = () => ({ PATH: `${place.directory}:${process.env.PATH ?? ""}` });
  const reach = () => (server === undefined ? ["--inline"] : ["-s", server.url]);

  async function lockd(...words: string[]): Promise<string> {
    const { stdout } = await place.run([...words, ...reach()], { env: env() });
    return stdout;
  }

  function work(queue: string, script: string, flags: readonly string[] = []): Started {
    const words = ["work", queue, "--transaction", ...flags, ...reach()];
    return place.start([...words, "--", "sh", "-c", `set -e\n${count}\n${script}`], { env: env() });
  }

  const only = ["--max", "1"];

  /** What is in a queue; takes it out. */
  async function drained(queue: string): Promise<string[]> {
    const words = ["work", queue, "--idle-exit", "0", ...reach(), "--", "sh", "-c", "cat; echo"];
    return (await place.run(words)).stdout.split("\n").slice(0, -1).sort();
  }

  async function numberOf(key: string): Promise<number> {
    const text = (await lockd("get", key, "--public", "-q")).trim();
    return text === "" || text === "null" ? 0 : (JSON.parse(text) as { n: number }).n;
  }

  test("0: the message is gone, what it sent is there once, keys are committed", async () => {
    await lockd("enqueue", "done", "-d", "tea");
    const script = `
      lockd enqueue done-next -d "$(cat), wrapped"
      echo '{"payload": "a line"}' | lockd enqueue done-next --jsonl - >/dev/null
      count done-count
      echo text | lockd attachments put --name note --file - >/dev/null
      lockd acquire done-unchanged >/dev/null`;
    expect((await work("done", script, only).ended).code).toBe(0);
    expect([await drained("done"), await drained("done-next")]).toEqual([
      [],
      ["a line", "tea, wrapped"],
    ]);
    expect(await numberOf("done-count")).toBe(1);
    const note = ["attachments", "get", "done-count", "--name", "note", "--public", "-o", "-"];
    expect(await lockd(...note)).toBe("text\n");
    for (const key of ["done-count", "done-unchanged"]) {
      expect(JSON.parse(await lockd("status", key, "--json"))).toMatchObject({ held: false });
    }
  });

  test.each([
    [1, 1],
    [75, 0],
  ])("%i: nothing of it, the message comes again, and failures count: %i", async (code, failed) => {
    const queue = `undone-${code}`;
    await lockd("enqueue", queue, "-d", "tea");
    const script = `
      lockd enqueue ${queue}-next -d x >/dev/null
      echo '{"payload": "y"}' | lockd enqueue ${queue}-next --jsonl - >/dev/null
      count ${queue}-count
      lockd acquire ${queue}-unchanged >/dev/null
      exit ${code}`;
    expect((await work(queue, script, only).ended).code).toBe(0);
    expect([await drained(`${queue}-next`), await numberOf(`${queue}-count`)]).toEqual([[], 0]);
    for (const key of [`${queue}-count`, `${queue}-unchanged`]) {
      expect(JSON.parse(await lockd("status", key, "--json"))).toMatchObject({ held: false });
    }
    const again = work(queue, 'echo "$LOCKD_QUEUE_ATTEMPTS $LOCKD_QUEUE_FAILURE_ATTEMPTS"', only);
    expect((await again.ended).stdout).toBe(`2 ${failed}\n`);
  });

  test("the command cannot decide the transaction, nor leave it by mistake", async () => {
    await lockd("enqueue", "own", "-d", "tea");
    const script = `
      count own-count
      for words in "release" "txn commit" "txn rollback" "ack" "nack"; do
        lockd $words 2>&1 | grep -o 'decided by lockd work'
      done
      test "$LOCKD_CLIENT_TXN_ID" = "$LOCKD_WORK_TXN_ID"
      unset LOCKD_CLIENT_TXN_ID
      lease=$(lockd acquire own-other); eval "$lease"
      test "$LOCKD_CLIENT_TXN_ID" = "$LOCKD_WORK_TXN_ID"`;
    const { code, stdout } = await work("own", script, only).ended;
    expect([code, stdout]).toEqual([0, "decided by lockd work\n".repeat(5)]);
    expect([await drained("own"), await numberOf("own-count")]).toEqual([[], 1]);
  });

  test("a dry run in it tells, decides nothing, and is not refused", async () => {
    await lockd("enqueue", "dry", "-d", "tea");
    const script = `
      count dry-count
      for words in "release" "txn commit" "txn rollback"; do
        lockd $words --dry-run >dry-told || echo "$words: $?"
        cat dry-told >&2
      done
      count_again=$(lockd acquire dry-count --block nowait)
      lockd mutate /n++ >/dev/null`;
    const { code, stdout, stderr } = await work("dry", script, only).ended;
    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/dry[-_ ]run|would/);
    expect([await drained("dry"), await numberOf("dry-count")]).toEqual([[], 2]);
  });

  test("a key acquired twice is the transaction's one lease, not a wait for itself", async () => {
    await lockd("enqueue", "twice", "-d", "tea");
    const script = `
      count twice-count
      token=$LOCKD_CLIENT_FENCING_TOKEN
      lease=$(lockd acquire -k /Twice-Count --block nowait); eval "$lease"
      lockd mutate /n++ >/dev/null
      test "$LOCKD_CLIENT_FENCING_TOKEN" = "$token"
      lockd acquire twice-count --json | grep -c '"version": 1'
      other=$(lockd txn begin --json | grep -o '[0-9a-v]\\{19\\}[0g]')
      for words in "run twice-count -- true" "acquire twice-count --txn-id $other"; do
        code=0; lockd $words 2>error || code=$?
        echo "$code $(grep -o 'already_held: the lockd work around this command' error)"
      done`;
    const { code, stdout, stderr } = await work("twice", script, only).ended;
    const refused = "5 already_held: the lockd work around this command\n";
    expect([code, stdout, stderr]).toEqual([0, `1\n${refused}${refused}`, ""]);
    expect([await drained("twice"), await numberOf("twice-count")]).toEqual([[], 2]);
  });

  test("keys are kept for longer than their leases, also those that were not changed", async () => {
    await lockd("enqueue", "long", "-d", "tea");
    const script = `
      lease=$(lockd acquire long-read --ttl 6s)
      lease=$(lockd acquire long-count --ttl 6s); eval "$lease"
      lockd mutate /n++ >/dev/null
      sleep 9
      for key in long-read long-count; do
        lockd acquire $key --txn-id "$(lockd txn begin --json | grep -o '[0-9a-v]\\{19\\}[0g]')" \\
          --block nowait >/dev/null 2>&1 || echo "held $?"
      done`;
    const { code, stdout } = await work("long", script, only).ended;
    expect([code, stdout]).toEqual([0, "held 5\nheld 5\n"]);
    expect([await drained("long"), await numberOf("long-count")]).toEqual([[], 1]);
  });

  test("kill -9 of lockd work in the middle: nothing, and the message comes again", async () => {
    const mark = path.join(place.directory, "killed");
    await lockd("enqueue", "killed", "-d", "tea");
    const script = `
      lockd enqueue killed-next -d "$(cat)" >/dev/null
      count killed-count
      echo ready >>${mark}
      test "$(wc -l <${mark})" -gt 1 || sleep 60`;
    const flags = [...only, "--visibility", "6s"];
    const first = work("killed", script, flags);
    await vi.waitFor(() => expect(linesOf(mark)).toHaveLength(1), 60_000);
    first.child.kill("SIGKILL");
    await first.ended;
    expect([await drained("killed-next"), await numberOf("killed-count")]).toEqual([[], 0]);
    expect((await work("killed", script, flags).ended).code).toBe(0);
    expect([await drained("killed-next"), await numberOf("killed-count")]).toEqual([["tea"], 1]);
    expect(await drained("killed")).toEqual([]);
  });

  test("two queues in a chain: each message once, over several kills", async () => {
    const names = ["one", "two", "three", "four"];
    for (const name of names) await lockd("enqueue", "chain-a", "-d", name);
    const stage = (from: string, to: string) => `
      echo start >>${path.join(place.directory, from)}
      count ${from}-count
      lockd enqueue ${to} -d "$(cat)" >/dev/null
      echo sent >>${path.join(place.directory, from)}
      sleep 0.2`;
    const flags = ["--visibility", "6s"];
    for (const [from, to] of [
      ["chain-a", "chain-b"],
      ["chain-b", "chain-c"],
    ] as const) {
      // Once in the middle, once when all is done but the commit, or just afterwards.
      for (const word of ["start", "sent"]) {
        const file = path.join(place.directory, from);
        const before = linesOf(file).filter((line) => line === word).length;
        const worker = work(from, stage(from, to), flags);
        await vi.waitFor(() => {
          const now = linesOf(file).filter((line) => line === word).length;
          expect(now).toBeGreaterThan(before);
        }, 60_000);
        await sleep(150);
        worker.child.kill("SIGKILL");
        await worker.ended;
      }
      const rest = work(from, stage(from, to), [...flags, "--idle-exit", "10s"]);
      expect((await rest.ended).code).toBe(0);
      expect(await numberOf(`${from}-count`)).toBe(names.length);
    }
    expect(await drained("chain-c")).toEqual([...names].sort());
    expect([await drained("chain-a"), await drained("chain-b")]).toEqual([[], []]);
  });
});
