/** `lockd work` with real processes: how messages end, signals, and that nobody overlaps. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { beatsOf, expectNoOverlap } from "./beats.ts";
import { Place } from "./lockd-process.ts";

vi.setConfig({ testTimeout: 90_000 });

let place: Place;
beforeAll(() => {
  place = new Place();
  writeFileSync(path.join(place.directory, "beat.sh"), beat, { mode: 0o755 });
});
afterAll(() => place.remove());

/** Writes a line every 50 ms for as long as it lives; asked to stop, it does not. */
const beat = `#!/bin/sh
trap '' TERM
while :; do echo "$LOCKD_QUEUE_FENCING_TOKEN $(date +%s%N)" >>"$1"; sleep 0.05; done
`;

async function enqueue(queue: string, ...payloads: string[]): Promise<void> {
  for (const payload of payloads) await place.run(["enqueue", queue, "-d", payload]);
}

interface Counts {
  readonly queue: string;
  readonly ready: number;
  readonly delayed: number;
  readonly in_flight: number;
  readonly dead: number;
}

async function countsOf(queue: string, words: readonly string[] = []): Promise<Counts> {
  const { stdout } = await place.run(["queue", "ls", "--json", ...words]);
  const found = (JSON.parse(stdout) as Counts[]).find((one) => one.queue === queue);
  const nothing = { queue, ready: 0, delayed: 0, in_flight: 0, dead: 0 };
  return { ...nothing, ...found };
}

/** One short command of the next delivery, so that it can be seen when it began. */
const next = (file: string) => ["timeout", "-s", "KILL", "0.5", "./beat.sh", file];

describe.concurrent("ordinary work", () => {
  test("the payload is standard input; 0, 75 and others end a message differently", async () => {
    await enqueue("ends", "done", "later", "broken");
    const script =
      'read -r line; echo "$line $LOCKD_QUEUE_NAME $LOCKD_QUEUE_ATTEMPTS"; ' +
      "case $line in done) exit 0;; later) exit 75;; *) exit 4;; esac";
    const words = ["work", "ends", "--max", "3", "--nack-delay", "1h", "--", "sh", "-c", script];
    const { code, stdout, stderr } = await place.run(words);
    expect([code, stdout]).toEqual([0, "done ends 1\nlater ends 1\nbroken ends 1\n"]);
    expect(stderr).toMatch(/exit status 4 \(attempt 1\)/);
    expect(await countsOf("ends")).toMatchObject({ ready: 0, delayed: 2, in_flight: 0, dead: 0 });
  });

  test("a failing message becomes a dead letter with its reason, a deferred one not", async () => {
    await place.run(["enqueue", "dead", "-d", "x", "--max-attempts", "2"]);
    const ends = ["--idle-exit", "0", "--", "sh", "-c", "exit 3"];
    expect((await place.run(["work", "dead", ...ends])).code).toBe(0);
    const { stdout } = await place.run(["queue", "dlq", "ls", "dead", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject([
      { attempts: 2, failure_attempts: 2, last_error: { previous: { detail: "exit status 3" } } },
    ]);
    await place.run(["enqueue", "put-off", "-d", "x", "--max-attempts", "1"]);
    await place.run(["work", "put-off", "--max", "3", "--", "sh", "-c", "exit 75"]);
    expect(await countsOf("put-off")).toMatchObject({ ready: 1, dead: 0 });
  });

  test("a large payload comes whole, and its file is gone afterwards", async () => {
    const payload = Buffer.alloc(3_000_000, "0123456789abcdef").toString();
    await place.run(["enqueue", "large", "-f", "-"], { input: payload });
    const script = 'wc -c; wc -c <"$LOCKD_QUEUE_PAYLOAD_PATH"; echo "$LOCKD_QUEUE_PAYLOAD_PATH"';
    const { stdout } = await place.run(["work", "large", "--max", "1", "--", "sh", "-c", script]);
    const [read, size, file = ""] = stdout.trim().split("\n");
    expect([Number(read), Number(size)]).toEqual([3_000_000, 3_000_000]);
    expect(existsSync(path.dirname(file))).toBe(false);
  });

  test("with --stateful lockd get and update work on the message's state", async () => {
    await enqueue("steps", "x");
    const script = `${lockd()} get -q; echo '{"step":1}' | ${lockd()} update >/dev/null; exit 9`;
    const words = ["work", "steps", "--stateful", "--max", "2", "--", "sh", "-c", script];
    const { stdout } = await place.run(words);
    expect(stdout).toBe('null\n{\n  "step": 1\n}\n');
  });

  test("--concurrency runs so many at once, and each message once", async () => {
    await enqueue("many", ...Array.from({ length: 8 }, (_, at) => String(at)));
    const script = 'echo "start $(cat)"; sleep 0.4; echo end';
    const started = ["work", "many", "--concurrency", "4", "--max", "8", "--", "sh", "-c", script];
    const { code, stdout } = await place.run(started);
    const lines = stdout.trim().split("\n");
    expect(code).toBe(0);
    expect(lines.filter((line) => line.startsWith("start")).sort()).toEqual(
      Array.from({ length: 8 }, (_, at) => `start ${at}`),
    );
    const busiest = lines.reduce(
      ({ now, most }, line) => {
        const running = line === "end" ? now - 1 : now + 1;
        return { now: running, most: Math.max(most, running) };
      },
      { now: 0, most: 0 },
    );
    expect(busiest.most).toBeGreaterThan(1);
    expect(busiest.most).toBeLessThanOrEqual(4);
  });

  test("a command that cannot be run ends the worker and harms no message", async () => {
    await enqueue("typo", "x");
    const { code, stderr } = await place.run(["work", "typo", "--", "no-such-command"]);
    expect([code, stderr]).toEqual([127, expect.stringContaining("no-such-command: not found")]);
    expect(await countsOf("typo")).toMatchObject({ ready: 1, in_flight: 0 });
  });

  test("delivered more often than --max-deliveries: fails without its command", async () => {
    await enqueue("poison", "x");
    await place.run(["work", "poison", "--max", "2", "--", "sh", "-c", "exit 75"]);
    const words = ["work", "poison", "--max-deliveries", "2", "--max", "1", "--", "echo", "ran"];
    const { stdout, stderr } = await place.run(words);
    expect([stdout, stderr]).toEqual(["", expect.stringContaining("delivered more than 2 times")]);
  });

  test("a memory store, no command and a wrong number are refused", async () => {
    expect((await place.run(["work", "q", "--store", "mem://", "--", "true"])).code).toBe(2);
    expect((await place.run(["work", "q"])).code).toBe(2);
    expect((await place.run(["work", "q", "--concurrency", "0", "--", "true"])).code).toBe(2);
  });

  test("subscribe --exec: a shell command for each, 75 requeues without blame (44)", async () => {
    await enqueue("shell", "a", "b");
    const words = ["subscribe", "-q", "shell", "--max", "2", "--exec", "cat; echo; exit 0"];
    expect((await place.run(words)).stdout).toBe("a\nb\n");
    await place.run(["enqueue", "shell", "-d", "x", "--max-attempts", "1"]);
    const later = ["subscribe", "-q", "shell", "--max", "1", "--exec", "exit 75"];
    expect((await place.run(later)).code).toBe(0);
    expect(await countsOf("shell")).toMatchObject({ ready: 1, dead: 0 });
  });
});

describe.concurrent("told to end", () => {
  test("SIGTERM: nothing more is taken, the command may end, its message is acked; 0", async () => {
    const mark = path.join(place.directory, "drained");
    await enqueue("drain", "a", "b");
    const script = `echo started >>${mark}; sleep 1; echo ended >>${mark}`;
    const working = place.start(["work", "drain", "--", "sh", "-c", script]);
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 20_000);
    working.child.kill("SIGTERM");
    expect((await working.ended).code).toBe(0);
    expect(readFileSync(mark, "utf8")).toBe("started\nended\n");
    expect(await countsOf("drain")).toMatchObject({ ready: 1, in_flight: 0 });
  });

  test("what does not end within --close-timeout is killed and put off; 143", async () => {
    const file = path.join(place.directory, "stubborn.log");
    await place.run(["enqueue", "stubborn", "-d", "x", "--max-attempts", "1"]);
    const limits = ["--close-timeout", "500ms", "--term-grace", "300ms"];
    const working = place.start(["work", "stubborn", ...limits, "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 20_000);
    working.child.kill("SIGTERM");
    expect((await working.ended).code).toBe(143);
    expect(await countsOf("stubborn")).toMatchObject({ ready: 1, dead: 0, in_flight: 0 });
    const seen = beatsOf(file).length;
    await sleep(300);
    expect(beatsOf(file).length).toBe(seen);
  });

  test("a second signal kills at once", async () => {
    const file = path.join(place.directory, "twice.log");
    await enqueue("twice", "x");
    const working = place.start([
      ...["work", "twice", "--close-timeout", "10m", "--", "./beat.sh", file],
    ]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 20_000);
    working.child.kill("SIGINT");
    await working.says("may go on");
    working.child.kill("SIGINT");
    expect((await working.ended).code).toBe(130);
    expect(await countsOf("twice")).toMatchObject({ ready: 1 });
  });

  test("waiting for a message it ends at once, and holds none", async () => {
    const mark = path.join(place.directory, "none");
    await enqueue("none", "x");
    const working = place.start(["work", "none", "--", "touch", mark]);
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 20_000);
    await sleep(500);
    working.child.kill("SIGTERM");
    expect((await working.ended).code).toBe(0);
    expect(await countsOf("none")).toMatchObject({ ready: 0, in_flight: 0 });
  });
});

describe.concurrent("when things go wrong", () => {
  test("kill -9 of lockd work: the command does not outlive its message", async () => {
    const file = path.join(place.directory, "killed.log");
    await enqueue("killed", "x");
    const words = ["work", "killed", "--visibility", "4s", "--max", "1"];
    const first = place.start([...words, "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 20_000);
    first.child.kill("SIGKILL");
    await place.run([...words, "--", ...next(file)]);
    expectNoOverlap(beatsOf(file), 2);
  });

  test("the payloads of a worker killed with -9 are removed by the next one", async () => {
    const mark = path.join(place.directory, "left-behind");
    const payloads = path.join(place.directory, "payloads");
    mkdirSync(payloads);
    await enqueue("left", "x");
    const words = ["work", "left", "--payload-dir", payloads];
    const first = place.start([...words, "--", "sh", "-c", `touch ${mark}; exec sleep 60`]);
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 20_000);
    first.child.kill("SIGKILL");
    await first.ended;
    const [left = ""] = readdirSync(payloads);
    expect(left).toMatch(/^lockd-work-/);
    // Its command is told to end by the watchdog; until then the payload may be in use.
    await vi.waitFor(async () => {
      await place.run([...words, "--idle-exit", "0", "--", "true"]);
      expect(readdirSync(payloads)).toEqual([]);
    }, 30_000);
  });

  test("kill -9 with several commands: none outlives its message", async () => {
    const names = ["several-a", "several-b", "several-c"];
    const files = names.map((name) => path.join(place.directory, name));
    await enqueue("several", ...files);
    const words = ["work", "several", "--visibility", "4s", "--max", "3", "--concurrency", "3"];
    const first = place.start([...words, "--", "sh", "-c", 'exec ./beat.sh "$(cat)"']);
    await vi.waitFor(() => {
      for (const file of files) expect(beatsOf(file).length).toBeGreaterThan(2);
    }, 20_000);
    first.child.kill("SIGKILL");
    // Acked in the end: a message put back would be delivered again before the others come free.
    const short = 'timeout -s KILL 0.5 ./beat.sh "$(cat)"; exit 0';
    await place.run([...words, "--", "sh", "-c", short]);
    for (const file of files) expectNoOverlap(beatsOf(file), 2);
  });

  test("the server is back in time: the command goes on, and its message is acked", async () => {
    const own = new Place();
    try {
      const listen = ["serve", "--store", own.storeUrl, "--listen", "127.0.0.1:0"];
      const first = await own.serve();
      await own.run(["enqueue", "jobs", "-d", "x", "-s", first.url]);
      const words = ["work", "jobs", "--visibility", "30s", "--max", "1", "-s", first.url];
      const mark = path.join(own.directory, "started");
      const script = `touch ${mark}; sleep 17; echo finished`;
      const working = own.start([...words, "--", "sh", "-c", script]);
      await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 15_000);
      first.child.kill("SIGKILL");
      await first.ended;
      const second = own.start([...listen.slice(0, -1), new URL(first.url).host]);
      await second.says('"network":"unix"');
      const { code, stdout } = await working.ended;
      expect([code, stdout]).toEqual([0, "finished\n"]);
      const { stdout: list } = await own.run(["queue", "ls", "--json"]);
      expect(list).toBe("[]\n");
      second.child.kill("SIGTERM");
      await second.ended;
    } finally {
      own.remove();
    }
  });

  test("lockd work stopped for longer than the lease: the watchdog ends the command", async () => {
    const file = path.join(place.directory, "stopped.log");
    await enqueue("stopped", "x");
    const words = ["work", "stopped", "--visibility", "4s", "--max", "1"];
    const first = place.start([...words, "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 20_000);
    first.child.kill("SIGSTOP");
    await place.run([...words, "--", ...next(file)]);
    first.child.kill("SIGCONT");
    const { stderr } = await first.ended;
    expectNoOverlap(beatsOf(file), 2);
    expect(stderr).not.toContain("attempt 1");
  });

  test("the server vanishes: the command is dead before the message can pass on", async () => {
    const own = new Place();
    try {
      writeFileSync(path.join(own.directory, "beat.sh"), beat, { mode: 0o755 });
      const file = path.join(own.directory, "vanished.log");
      const server = await own.serve();
      await own.run(["enqueue", "jobs", "-d", "x", "-s", server.url]);
      const words = ["work", "jobs", "--visibility", "4s", "--max", "1"];
      const first = own.start([...words, "-s", server.url, "--", "./beat.sh", file]);
      await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 20_000);
      server.child.kill("SIGKILL");
      await server.ended;
      await own.run([...words, "--", ...next(file)]);
      expectNoOverlap(beatsOf(file), 2);
      const { stderr } = await first.ended;
      expect(stderr).toContain("could not be renewed in time");
    } finally {
      own.remove();
    }
  });

  test("a command that takes several times its lease is run once", async () => {
    await enqueue("long", "x");
    const mark = path.join(place.directory, "long");
    const script = `echo run; touch ${mark}; sleep 8`;
    const words = ["work", "long", "--visibility", "4s", "--max", "1"];
    const long = place.start([...words, "--", "sh", "-c", script]);
    await vi.waitFor(() => expect(existsSync(mark)).toBe(true), 20_000);
    const other = await place.run(["work", "long", "--idle-exit", "5s", "--", "echo", "again"]);
    expect(other.stdout).toBe("");
    expect((await long.ended).stdout).toBe("run\n");
    expect(await countsOf("long")).toMatchObject({ ready: 0, in_flight: 0 });
  });
});

function lockd(): string {
  return `${process.execPath} ${path.join(import.meta.dirname, "../../bin/lockd.js")}`;
}
