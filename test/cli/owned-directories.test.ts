/** Directories of dead processes are found, and those of live ones never. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { abandonedDirectories, makeOwnedDirectory } from "../../src/cli/owned-directories.ts";
import { isAlive } from "../../src/cli/process-identity.ts";
import { bornOf } from "../../src/cli/run/process-tree.ts";

const kind = "lockd-owned";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(path.join(tmpdir(), "ops-owned-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** A process that has ended, by what it was known as. */
async function deadProcess(): Promise<{ pid: number; born: string }> {
  const child = spawn("sleep", ["60"]);
  const pid = child.pid ?? 0;
  const born = bornOf(pid) ?? "";
  child.kill("SIGKILL");
  await once(child, "exit");
  return { pid, born };
}

/** A directory as the process with that name would have made it. */
async function directoryOf(owner: { pid: number; born: string }): Promise<string> {
  const own = await makeOwnedDirectory(parent, kind);
  const name = own.replace(
    `-${process.pid}-${bornOf(process.pid) ?? ""}-`,
    `-${owner.pid}-${owner.born}-`,
  );
  renameSync(own, name);
  return name;
}

test("a live owner's directory stays, a dead owner's is found", async () => {
  await makeOwnedDirectory(parent, kind);
  expect(abandonedDirectories(parent, kind)).toEqual([]);
  const left = await directoryOf(await deadProcess());
  expect(abandonedDirectories(parent, kind)).toEqual([left]);
  expect(abandonedDirectories(parent, "other-kind")).toEqual([]);
});

test("another process with the same id is not the owner", async () => {
  const { born } = await deadProcess();
  expect(bornOf(process.pid)).not.toBe(born);
  const left = await directoryOf({ pid: process.pid, born });
  expect(abandonedDirectories(parent, kind)).toEqual([left]);
  expect(isAlive(process.pid, bornOf(process.pid) ?? "")).toBe(true);
});

test("directories of another machine, and what only looks like one, are left alone", async () => {
  const left = await directoryOf(await deadProcess());
  const [name = ""] = readdirSync(parent);
  renameSync(left, path.join(parent, name.replace(/^lockd-owned-.{8}/, "lockd-owned-00000000")));
  const elsewhere = path.join(parent, "elsewhere");
  mkdirSync(elsewhere);
  symlinkSync(elsewhere, left);
  mkdirSync(path.join(parent, `${kind}-123456`));
  expect(abandonedDirectories(parent, kind)).toEqual([]);
  expect(abandonedDirectories(path.join(parent, "nothing"), kind)).toEqual([]);
});

test("a command that still has its payload there keeps it", async () => {
  const left = await directoryOf(await deadProcess());
  const env = { ...process.env, LOCKD_QUEUE_PAYLOAD_PATH: path.join(left, "payload.bin") };
  const command = spawn("sleep", ["60"], { env });
  await vi.waitFor(() => expect(abandonedDirectories(parent, kind)).toEqual([]));
  command.kill("SIGKILL");
  await once(command, "exit");
  expect(abandonedDirectories(parent, kind)).toEqual([left]);
});
