/** The doctor at a healthy place, and at sick ones. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Place } from "./lockd-process.ts";

interface Check {
  readonly name: string;
  readonly level: string;
  readonly text: string;
  readonly fix?: string;
}

async function doctor(place: Place, ...words: string[]) {
  const { code, stdout, stderr } = await place.run(["doctor", "--json", ...words], {
    env: { TMPDIR: place.directory },
  });
  const report = JSON.parse(stdout) as { passed: boolean; failures: number; checks: Check[] };
  const find = (name: string, level: string) =>
    report.checks.find((one) => one.name === name && one.level === level);
  return { code, stderr, report, find };
}

test("inline: a healthy store; nothing is changed", async () => {
  const place = new Place();
  try {
    const config = path.join(place.directory, "config");
    expect((await doctor(place)).find("store", "ok")?.text).toContain("not there yet");
    await place.acquire(["k"]);
    chmodSync(path.join(config, "store"), 0o700);
    const names = readdirSync(path.join(config, "store")).sort();
    const { code, stderr, report, find } = await doctor(place);
    expect([code, stderr, report.failures]).toEqual([0, "", 0]);
    expect(find("verify store", "ok")?.text).toMatch(/^\d+ checks passed$/);
    expect(find("sync", "ok") ?? find("sync", "warn")).toBeDefined();
    expect(find("better-sqlite3", "ok")).toBeDefined();
    const wal = /-(wal|shm)$/;
    const now = readdirSync(path.join(config, "store")).sort();
    expect(now.filter((name) => !wal.test(name))).toEqual(names.filter((name) => !wal.test(name)));
    const text = await place.run(["doctor"]);
    expect(text.stdout).toMatch(/^ok {4}lockd +version /);
    expect(text.stdout).toMatch(/\n0 failures, \d+ warnings?\n$/);
  } finally {
    place.remove();
  }
});

test("a sick place: bad config, open directory, a killed server's socket and worker", async () => {
  const place = new Place();
  try {
    const server = await place.serve();
    const owned = await doctor(place);
    expect(owned.find("server", "ok")?.text).toContain("lockd.sock answers in");
    expect(owned.find("server version", "ok")).toBeDefined();
    expect(owned.code).toBe(0);
    server.child.kill("SIGKILL");
    await server.ended;
    const mark = path.join(place.directory, "mark");
    await place.run(["enqueue", "jobs", "-d", "x"]);
    const worker = place.start(["work", "jobs", "--", "sh", "-c", `touch ${mark}; exit 1`], {
      env: { TMPDIR: place.directory },
    });
    await worker.says("exit status 1");
    worker.child.kill("SIGKILL");
    await worker.ended;
    const config = path.join(place.directory, "config");
    writeFileSync(path.join(config, "config.yaml"), "lisen: x\n");
    chmodSync(path.join(config, "store"), 0o777);
    const { code, find } = await doctor(place);
    expect(code).toBe(1);
    expect(find("config", "warn")?.fix).toBe("did you mean listen?");
    expect(find("permissions", "fail")?.fix).toBe(`chmod go-w ${config}/store`);
    expect(find("socket", "warn")?.fix).toBe(`rm ${config}/store/lockd.sock`);
    expect(find("leftovers", "warn")?.fix).toMatch(/^rm -r .*\/lockd-work-[^ ]*$/);
    writeFileSync(path.join(config, "config.yaml"), "a: [");
    expect((await doctor(place)).find("config", "fail")?.text).toContain("is not YAML");
  } finally {
    place.remove();
  }
});

test("servers: each is looked at; one that is down fails; --strict counts warnings", async () => {
  const place = new Place();
  try {
    const server = await place.serve();
    const down = await doctor(place, "-s", `${server.url},http://127.0.0.1:1`);
    expect([down.code, down.report.passed]).toEqual([1, false]);
    expect(down.find("server", "ok")?.text).toContain(server.url);
    expect(down.find("server", "fail")?.text).toContain("http://127.0.0.1:1 gives no answer");
    mkdirSync(path.join(place.directory, "config"), { recursive: true });
    writeFileSync(path.join(place.directory, "config", "config.yaml"), "colour: blue\n");
    expect((await doctor(place, "-s", server.url)).code).toBe(0);
    expect((await doctor(place, "-s", server.url, "--strict")).code).toBe(1);
    server.child.kill("SIGTERM");
    await server.ended;
  } finally {
    place.remove();
  }
});
