/** The recipe of docs/work.md for `--transaction` runs, and does what it says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "../e2e/lockd-process.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/work.md"), "utf8");
const section = page.slice(page.indexOf("\n## One fate\n"));

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

test("one fate: the key is changed and the parcel sent", async () => {
  const [, block = ""] = /```sh\n([\s\S]*?)```/.exec(section) ?? [];
  const { code, stdout } = await place.runScript(block);
  expect(code).toBe(0);
  expect(stdout).toMatch(/"wrapped": 1[\s\S]*tea, wrapped$/);
  expect((await place.run(["queue", "ls", "--json"])).stdout).toBe("[]\n");
}, 60_000);
