/** `lockd run` with real processes: exit codes, signals, and that nobody overlaps. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { beatsOf, expectNoOverlap } from "./beats.ts";
import { Place } from "./lockd-process.ts";

let place: Place;
beforeAll(() => {
  place = new Place();
  writeFileSync(path.join(place.directory, "beat.sh"), beat, { mode: 0o755 });
});
afterAll(() => place.remove());

/** Writes a line every 50 ms for as long as it lives; asked to stop, it does not. */
const beat = `#!/bin/sh
trap '' TERM
[ "$2" = polite ] && trap 'exit 0' TERM
while :; do echo "$LOCKD_FENCING_TOKEN $(date +%s%N)" >>"$1"; sleep 0.05; done
`;

describe.concurrent("ordinary runs", () => {
  test("the command's code is ours; 0 commits, anything else rolls back", async () => {
    const script = (code: number) =>
      `echo "{\\"code\\":${code}}" | ${lockd()} update; exit ${code}`;
    const failed = await place.run(["run", "codes", "--", "sh", "-c", script(3)]);
    expect(failed.code).toBe(3);
    expect((await place.run(["get", "codes", "--public", "-q"])).stdout).toBe("null\n");
    const any = ["run", "codes", "--commit-on", "0,3", "--", "sh", "-c", script(3)];
    expect((await place.run(any)).code).toBe(3);
    expect((await place.run(["get", "codes", "--public", "-q"])).stdout).toContain('"code": 3');
    expect((await place.run(["run", "codes", "--", "sh", "-c", script(0)])).code).toBe(0);
    expect((await place.run(["get", "codes", "--public", "-q"])).stdout).toContain('"code": 0');
  });

  test("stdout belongs to the command, and its environment names the lease", async () => {
    const script =
      'echo "$LOCKD_KEY|$LOCKD_FENCING_TOKEN|$LOCKD_STORE|$(printf %s $LOCKD_LEASE_ID | wc -c)"';
    const { stdout, stderr } = await place.run(["run", "env", "--", "sh", "-c", script]);
    expect(stdout).toBe(`env|1|${place.storeUrl}|20\n`);
    expect(stderr).toBe("");
  });

  test("a key that a run around it holds is refused at once, not waited for", async () => {
    const script = `
      for words in "run own -- true" "run other --also own -- true" "run own-too -- true" \
        "run between -- $LOCKD run own-too -- true" "acquire own" "acquire own-too"; do
        code=0; $LOCKD $words >out 2>&1 || code=$?
        echo "$code $(grep -o 'the lockd run around this command holds [^ ]*' out)"
      done
      $LOCKD run free -- true && echo free`;
    const words = ["run", "own", "--also", "own-too", "--", "sh", "-c", script];
    const { code, stdout } = await place.run(words, { env: { LOCKD: lockd() } });
    const refused = (key: string) => `5 the lockd run around this command holds ${key}\n`;
    const held = ["own", "own", "own-too", "own-too", "own", "own-too"];
    expect([code, stdout]).toEqual([0, `${held.map(refused).join("")}free\n`]);
  });

  test("busy 5, no such command 127, not executable 126, ended by signal n 128 + n", async () => {
    const holder = place.start(["run", "busy", "--", "sleep", "60"]);
    await vi.waitFor(async () => {
      expect((await place.run(["status", "busy"])).stdout).toContain("HELD");
    }, 5000);
    expect((await place.run(["run", "busy", "--no-wait", "--", "true"])).code).toBe(5);
    expect((await place.run(["run", "busy", "--wait", "1s", "--", "true"])).code).toBe(5);
    holder.child.kill("SIGTERM");
    expect((await holder.ended).code).toBe(143);
    const missing = await place.run(["run", "busy", "--no-wait", "--", "no-such-command"]);
    expect([missing.code, missing.stderr]).toEqual([
      127,
      expect.stringContaining("no-such-command"),
    ]);
    const file = path.join(place.directory, "plain");
    writeFileSync(file, "x", { mode: 0o644 });
    expect((await place.run(["run", "busy", "--no-wait", "--", file])).code).toBe(126);
    const killed = ["run", "busy", "--no-wait", "--", "sh", "-c", "kill -9 $$"];
    expect((await place.run(killed)).code).toBe(137);
    expect((await place.run(["status", "busy"])).stdout).toContain("FREE");
  });

  test("interrupted while waiting: 130, and nothing is held afterwards", async () => {
    const env = await place.acquire(["queue", "--ttl", "60s"]);
    const waiting = place.start(["run", "queue", "-v", "--", "true"]);
    // Loading takes as long as the machine is busy; from here on it is a moment to the wait.
    await waiting.says("client.mode");
    await sleep(600);
    waiting.child.kill("SIGINT");
    expect((await waiting.ended).code).toBe(130);
    await place.run(["release"], { env });
    expect((await place.run(["status", "queue"])).stdout).toContain("FREE");
  });

  test("signals reach the command; what is left of its group is killed", async () => {
    const mark = path.join(place.directory, "signalled");
    const script = `trap 'echo usr1 >>${mark}; exit 7' USR1; sleep 60 & echo $! >${mark}; wait`;
    const running = place.start(["run", "signals", "--", "sh", "-c", script]);
    await vi.waitFor(() => expect(readFileSync(mark, "utf8")).toMatch(/\d/), 5000);
    const grandchild = Number(readFileSync(mark, "utf8"));
    running.child.kill("SIGUSR1");
    expect((await running.ended).code).toBe(7);
    expect(readFileSync(mark, "utf8")).toContain("usr1");
    await vi.waitFor(() => expect(isAlive(grandchild)).toBe(false), 2000);
  });
});

describe.concurrent("when things go wrong", () => {
  test("kill -9 of lockd run: the command does not outlive its lease", async () => {
    const file = path.join(place.directory, "killed.log");
    const first = place.start(["run", "killed", "--ttl", "4s", "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 5000);
    first.child.kill("SIGKILL");
    const words = [
      "run",
      "killed",
      "--ttl",
      "4s",
      "--",
      "timeout",
      "-s",
      "KILL",
      "0.5",
      "./beat.sh",
    ];
    await place.run([...words, file]);
    expectNoOverlap(beatsOf(file), 2);
  }, 20_000);

  test("lockd run stopped for longer than its lease: the watchdog ends the command", async () => {
    const file = path.join(place.directory, "stopped.log");
    const first = place.start(["run", "stopped", "--ttl", "4s", "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 5000);
    first.child.kill("SIGSTOP");
    const words = [
      "run",
      "stopped",
      "--ttl",
      "4s",
      "--",
      "timeout",
      "-s",
      "KILL",
      "1.5",
      "./beat.sh",
    ];
    await place.run([...words, file]);
    first.child.kill("SIGCONT");
    expect((await first.ended).code).not.toBe(0);
    expectNoOverlap(beatsOf(file), 2);
  }, 20_000);

  test("the server vanishes: the command is asked to stop, then killed, in time", async () => {
    const own = new Place();
    writeFileSync(path.join(own.directory, "beat.sh"), beat, { mode: 0o755 });
    const server = await own.serve();
    const file = path.join(own.directory, "fenced.log");
    const words = ["run", "fenced", "--ttl", "4s", "-s", server.url, "--retries", "-1"];
    const running = own.start([...words, "--", "./beat.sh", file]);
    await vi.waitFor(() => expect(beatsOf(file).length).toBeGreaterThan(2), 5000);
    const from = Date.now();
    server.child.kill("SIGKILL");
    const { code, stderr } = await running.ended;
    expect(code).toBe(6);
    expect(stderr).toContain("could not be renewed in time");
    const last = beatsOf(file).at(-1)?.atMs ?? 0;
    expect(last - from).toBeLessThan(4_000);
    await own.run(["run", "fenced", "--", "timeout", "-s", "KILL", "0.3", "./beat.sh", file]);
    expectNoOverlap(beatsOf(file), 2);
    own.remove();
  }, 20_000);

  test("the lease is taken away: the command is stopped, exit 6", async () => {
    const file = path.join(place.directory, "lost.log");
    const script = `./beat.sh ${file} polite & ${lockd()} release >/dev/null; wait`;
    const { code, stderr } = await place.run([
      "run",
      "lost",
      "--ttl",
      "3s",
      "--",
      "sh",
      "-c",
      script,
    ]);
    expect([code, stderr]).toEqual([6, expect.stringContaining("the lease is lost")]);
  }, 20_000);
});

function lockd(): string {
  return `${process.execPath} ${path.join(import.meta.dirname, "../../bin/lockd.js")}`;
}

function isAlive(pid: number): boolean {
  try {
    return !execFileSync("ps", ["-o", "stat=", "-p", String(pid)])
      .toString()
      .startsWith("Z");
  } catch {
    return false;
  }
}
