/** Every shell block of docs/transactions.md runs, in the page's order, and does what it says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Place } from "../e2e/lockd-process.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/transactions.md"), "utf8");
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) => block);

/** What each block ends with. */
const endings = [
  /"balance": 110/,
  /"balance": 80/,
  /ended with 3/,
  /PENDING[\s\S]*q\/mails\/msg\/\S+ {2}staged[\s\S]*state=commit\n[\s\S]*mails/,
  /txn_id=\w+ state=commit\n$/,
  /PENDING[\s\S]*default:accounts\/carl {2}staged[\s\S]*state=rollback\ntxn_id=\w+ state=rollback/,
  /first.json: .*"lease_id": "(\w+)"[\s\S]*again.json: .*"lease_id": "\1"/,
];

let place: Place;
beforeAll(() => {
  place = new Place();
});
afterAll(() => place.remove());

test("the blocks, one after the other", async () => {
  expect(blocks).toHaveLength(endings.length);
  for (const [at, block] of blocks.entries()) {
    const { code, stdout, stderr } = await place.runScript(block);
    expect([code, stderr.replace(/^(\{"bytes"|payload written).*\n/gm, "")], block).toEqual([
      0,
      "",
    ]);
    expect(stdout, block).toMatch(endings[at] ?? /^$/);
  }
}, 60_000);
