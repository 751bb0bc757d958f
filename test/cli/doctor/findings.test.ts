/** What each finding of the doctor says, for readings that a healthy machine does not give. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Overview } from "../../../src/api/observation.ts";
import { configFindings } from "../../../src/cli/doctor/config-findings.ts";
import { diagnosisOf, diagnosisText, fine, warned } from "../../../src/cli/doctor/finding.ts";
import { clockFinding, openFilesFinding } from "../../../src/cli/doctor/machine-findings.ts";
import { lookFindings } from "../../../src/cli/doctor/server-findings.ts";
import {
  fileSystemFinding,
  freeBytesFail,
  freeBytesWarn,
  spaceFinding,
  speedFinding,
  storeFindings,
  syncMsWarn,
} from "../../../src/cli/doctor/store-findings.ts";
import { nodeFinding, nodeVersionMin } from "../../../src/cli/doctor/version-findings.ts";
import { fileSystemOf } from "../../../src/storage/disk/file-systems.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "ops-doctor-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a configuration directory that cannot be listed is a finding, not the end", () => {
  const file = path.join(directory, "no-directory");
  writeFileSync(file, "");
  const found = configFindings({ values: {}, path: undefined }, { LOCKD_CONFIG_DIR: file });
  expect(found).toContainEqual(
    expect.objectContaining({ level: "fail", text: `${file} cannot be listed` }),
  );
});

test("words of a server cannot move the cursor of a terminal", () => {
  const text = diagnosisText(diagnosisOf([fine("server", "v1\u001b[2J\nok")]));
  expect(text).not.toContain("\u001b");
  expect(text.split("\n")).toHaveLength(3);
});

test("the oldest Node is the one of package.json", () => {
  const file = path.join(import.meta.dirname, "../../../package.json");
  const { engines } = JSON.parse(readFileSync(file, "utf8")) as { engines: { node: string } };
  expect(engines.node).toBe(`>=${nodeVersionMin}`);
  expect(nodeFinding("22.18.9").level).toBe("fail");
  expect(["22.19.0", "22.20.1", "24.0.0"].map((one) => nodeFinding(one).level)).toEqual(
    Array(3).fill("ok"),
  );
});

describe("clock and limits", () => {
  const before = { wallMs: 1_000, monotonicMs: 100 };

  test("a wall clock that is set is noticed in both directions", () => {
    expect(clockFinding(before, { wallMs: 2_000, monotonicMs: 1_100 }).level).toBe("ok");
    for (const jump of [-500, 500]) {
      const after = { wallMs: 2_000 + jump, monotonicMs: 1_100 };
      expect(clockFinding(before, after)).toMatchObject({
        level: "warn",
        text: expect.stringContaining(`${jump} ms within 1.0 s`),
      });
    }
  });

  test("few open files are a warning; an unknown limit is none", () => {
    const line = (soft: string) => `Max open files            ${soft}     1048576   files\n`;
    expect(openFilesFinding(line("1024"))[0]?.level).toBe("warn");
    expect(openFilesFinding(line("65536"))[0]?.level).toBe("ok");
    expect(openFilesFinding(line("unlimited"))[0]?.level).toBe("ok");
    expect(openFilesFinding(undefined)).toEqual([]);
  });
});

describe("the store's place", () => {
  const system = { name: "x", trait: "local", totalBytes: 0, freeFiles: undefined } as const;

  test("network file systems fail, what is lost or uncertain is a warning", () => {
    const levels = (["network", "memory", "container", "fuse", "local"] as const).map((trait) => {
      return fileSystemFinding("/d", { ...system, trait, freeBytes: 0 }).level;
    });
    expect(levels).toEqual(["fail", "warn", "warn", "warn", "ok"]);
  });

  test("space and files", () => {
    const level = (freeBytes: number, freeFiles?: number) =>
      spaceFinding("/d", { ...system, freeBytes, freeFiles }).level;
    expect([level(freeBytesFail - 1), level(freeBytesWarn - 1), level(freeBytesWarn)]).toEqual([
      "fail",
      "warn",
      "ok",
    ]);
    expect([level(1e12, 0), level(1e12, 5), level(1e12, 1e6)]).toEqual(["fail", "warn", "ok"]);
  });

  test("a slow disk is a warning", () => {
    expect(speedFinding([1, 2, 900]).level).toBe("ok");
    expect(speedFinding([1, syncMsWarn + 1, 900]).level).toBe("warn");
    expect(speedFinding([]).level).toBe("warn");
  });

  test("this machine's file system has a name and room", async () => {
    const found = await fileSystemOf(directory);
    expect(found.freeBytes).toBeGreaterThan(0);
    expect(found.totalBytes).toBeGreaterThanOrEqual(found.freeBytes);
    await expect(fileSystemOf(path.join(directory, "no"))).rejects.toThrow("ENOENT");
  });

  test("a directory that others may change fails; so does a socket for everybody", async () => {
    const store = path.join(directory, "store");
    mkdirSync(store);
    chmodSync(store, 0o777);
    writeFileSync(path.join(store, "lockd.sock"), "", { mode: 0o644 });
    chmodSync(path.join(store, "lockd.sock"), 0o666);
    const found = await storeFindings(`disk://${store}`);
    const permissions = found.filter(({ name }) => name === "permissions");
    expect(permissions.map(({ level, fix }) => [level, fix])).toEqual([
      ["fail", `chmod go-w ${store}`],
      ["fail", `chmod 600 ${store}/lockd.sock`],
    ]);
    chmodSync(store, 0o700);
    const mended = await storeFindings(`disk://${store}`);
    expect(mended.find(({ name }) => name === "permissions")?.level).toBe("ok");
  });

  test("nothing is made where there is no store yet", async () => {
    const store = path.join(directory, "a", "b");
    expect(await storeFindings(`disk://${store}`)).toMatchObject([{ level: "ok" }]);
    await expect(fileSystemOf(path.join(directory, "a"))).rejects.toThrow("ENOENT");
    expect(await storeFindings("mem://")).toMatchObject([{ level: "warn" }]);
    expect(await storeFindings("disc:///x")).toMatchObject([{ level: "fail" }]);
  });
});

describe("the configuration", () => {
  const env = () => ({ LOCKD_CONFIG_DIR: directory });
  const check = (values: Record<string, unknown>, mode = 0o600) => {
    const file = path.join(directory, "config.yaml");
    writeFileSync(file, "");
    chmodSync(file, mode);
    return configFindings({ path: file, values }, env());
  };

  test("unknown keys come with what was meant", () => {
    const found = check({ lisen: "x:1", colour: 1, "max-tll": "1m", client: { sever: "x" } });
    expect(found.map(({ level, fix }) => [level, fix])).toEqual([
      ["warn", "did you mean listen?"],
      ["warn", "see lockd config gen --stdout"],
      ["warn", "did you mean max-ttl?"],
      ["warn", "did you mean server?"],
    ]);
  });

  test("values that serve would refuse fail; good ones and other versions' keys do not", () => {
    expect(check({ "default-ttl": "soon" })).toMatchObject([
      { level: "fail", text: expect.stringContaining("default-ttl") },
    ]);
    const good = { "max-ttl": "1h", ha: "failover", "disk-retention": "0", client: { tui: {} } };
    expect(check(good)).toMatchObject([{ level: "ok" }]);
  });

  test("who may read and write", () => {
    const file = path.join(directory, "config.yaml");
    expect(check({}, 0o644)).toMatchObject([{ level: "ok" }]);
    expect(check({}, 0o666)).toMatchObject([{ level: "fail", fix: `chmod go-w ${file}` }]);
    expect(check({ "azure-key": "k" }, 0o644)).toMatchObject([{ fix: `chmod 600 ${file}` }]);
    const bundle = path.join(directory, "client one.pem");
    writeFileSync(bundle, "", { mode: 0o644 });
    expect(configFindings({ path: undefined, values: {} }, env())).toMatchObject([
      { level: "ok" },
      { name: "credentials", level: "fail", fix: `chmod 600 '${bundle}'` },
    ]);
  });
});

describe("servers", () => {
  const overview = {
    version: "1.0.0",
    uptimeMs: 60_000,
    draining: false,
    nowUnixMs: 10_000,
    trouble: [],
  } as unknown as Overview;
  const levels = (change: Partial<Overview>, sentAtMs = 9_995, answeredAtMs = 10_005) =>
    lookFindings("s", "1.0.0", {
      overview: { ...overview, ...change },
      sentAtMs,
      answeredAtMs,
    }).map(({ name, level }) => `${name} ${level}`);

  test("clock, version, speed, drain", () => {
    expect(levels({})).toEqual(["server ok", "server clock ok", "server version ok"]);
    expect(levels({ nowUnixMs: 12_500 })).toContain("server clock warn");
    expect(levels({ nowUnixMs: 7_500 })).toContain("server clock warn");
    // Half of a slow request's time may be on either way.
    expect(levels({ nowUnixMs: 12_500 }, 9_000, 11_500)).toEqual([
      "server warn",
      "server clock ok",
      "server version ok",
    ]);
    expect(levels({ version: "0.9.0" })).toContain("server version warn");
    expect(levels({ version: undefined })).toContain("server version warn");
    expect(levels({ draining: true })).toContain("server warn");
    const trouble = [{ part: "queues", code: "store_corrupt", detail: "x" }] as const;
    expect(levels({ trouble })).toContain("server fail");
  });
});

test("the text has one line each, its fix below it, and a count", () => {
  const text = diagnosisText(diagnosisOf([fine("a", "good"), warned("bcd", "bad", "do it")]));
  expect(text).toBe(
    "ok    a    good\nwarn  bcd  bad\n           fix: do it\n0 failures, 1 warning\n",
  );
});
