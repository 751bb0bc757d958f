/** Every example runs to its end over the built lockd, and notices when its result is wrong. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { commandOf, examples } from "../../examples/all.ts";

const folder = path.join(import.meta.dirname, "../../examples");
const names = Object.keys(examples);

/** Seconds on a quiet machine; the suite may share it with seven others. */
const exampleMsMax = 120_000;

/** The node that runs the tests, also for what the examples start by its name. */
const env = {
  ...process.env,
  PATH: `${path.dirname(process.execPath)}${path.delimiter}${process.env.PATH ?? ""}`,
};

async function run([file = "", ...words]: readonly string[]) {
  const child = spawn(file, words, { env, timeout: exampleMsMax });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
    });
  }
  const [status] = (await once(child, "close")) as [number | null];
  return { status, ...said };
}

test.concurrent.each(names)(
  "%s",
  async (name) => {
    const { status, stdout, stderr } = await run(commandOf(name));
    expect([status, stdout], stderr).toEqual([0, expect.stringMatching(/ok\n$/)]);
    expect(stdout.match(/^checked: /gm)?.length).toBeGreaterThanOrEqual(3);
  },
  exampleMsMax,
);

test("each folder is an example of the list, with a page that the list leads to", () => {
  const folders = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== "support")
    .map(({ name }) => name);
  expect(folders.sort()).toEqual([...names].sort());
  const list = readFileSync(path.join(folder, "README.md"), "utf8");
  for (const name of names) {
    expect(list).toContain(`(${name}/README.md)`);
    const page = readFileSync(path.join(folder, name, "README.md"), "utf8");
    for (const part of ["**Why it is right.**", "**How it fails safely.**"]) {
      expect(page, name).toContain(part);
    }
  }
});

describe("a wrong result", () => {
  const place = mkdtempSync(path.join(tmpdir(), "lockd-wrong-"));
  afterAll(() => rmSync(place, { recursive: true, force: true }));

  test("ends a program with 1", async () => {
    const file = path.join(place, "wrong.ts");
    const shared = path.join(folder, "support/place.ts");
    writeFileSync(
      file,
      `import { check, inPlace } from "${shared}";\n` +
        'await inPlace(async () => check(1 > 2, "one is more than two"));\n',
    );
    const { status, stdout, stderr } = await run([process.execPath, file]);
    expect([status, stdout, stderr]).toEqual([1, "", expect.stringContaining("one is more")]);
  });

  test("ends a script with 1", async () => {
    const file = path.join(place, "wrong.sh");
    const shared = path.join(folder, "support/place.sh");
    writeFileSync(file, `. "${shared}"\ncheck "one is two" [ 1 = 2 ]\necho ok\n`);
    const { status, stdout, stderr } = await run(["/bin/sh", file]);
    expect([status, stdout, stderr]).toEqual([1, "", expect.stringContaining("one is two")]);
  });
});
