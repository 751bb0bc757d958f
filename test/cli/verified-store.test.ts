/** `verify store` of transactions, of which there may be more than it reads. */
import { expect, test } from "vitest";
import { checkTransactions } from "../../src/cli/verified-store.ts";

/** A list of so many pages, each with so many damaged records. */
function listOf(pages: number, damagedEach: number) {
  let asked = 0;
  const list = async ({ cursor = "0" }: { readonly cursor?: string | undefined } = {}) => {
    asked += 1;
    const next = Number(cursor) + 1;
    const damaged = Array.from({ length: damagedEach }, (_, at) => ({
      txnId: `${cursor}-${at}`,
      detail: `page ${cursor}, record ${at}`,
    }));
    return { transactions: [], damaged, cursor: next < pages ? String(next) : undefined };
  };
  return { list, asked: () => asked };
}

test("all that there are, on as many pages as are read", async () => {
  const { list, asked } = listOf(100, 0);
  expect(await checkTransactions({ list })).toEqual({ name: "StoredTransactions", ok: true });
  expect(asked()).toBe(100);
});

test("of more than are read, nobody knows whether they are whole", async () => {
  const { list, asked } = listOf(101, 0);
  const error = "there are more than 100000; the rest was not read";
  expect(await checkTransactions({ list })).toMatchObject({ ok: false, error });
  expect(asked()).toBe(100);
});

test("damaged ones are named, many of them counted", async () => {
  const few = await checkTransactions(listOf(2, 1));
  expect(few).toMatchObject({ ok: false, error: "page 0, record 0; page 1, record 0" });
  const many = await checkTransactions(listOf(101, 1));
  expect(many.error).toMatch(/^there are more than 100000; .*; page 18, record 0; and 81 more$/);
});
