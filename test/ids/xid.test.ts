/** dependencies.md section 4: form, order, wraps, clocks, and what is wrong with the library. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
// @ts-expect-error the library has no types
import Xid from "xid-js";
import { decodeXid, encodeXid, isXid, XidSource } from "../../src/ids/xid.ts";

const machine = Buffer.from([1, 2, 3]);

function source(nowMs: () => number, counter = 0): XidSource {
  return new XidSource({ nowMs, machine, process: 0xabcd, counter });
}

test("the vector of the contract", () => {
  const bytes = Buffer.from("4d88e15b60f486e428412dc9", "hex");
  expect(encodeXid(bytes)).toBe("9m4e2mr0ui3e8a215n4g");
  expect(Buffer.from(decodeXid("9m4e2mr0ui3e8a215n4g") ?? []).toString("hex")).toBe(
    bytes.toString("hex"),
  );
});

test("any 12 bytes come back, in the right form, and sort as their bytes do", () => {
  const twelve = fc.uint8Array({ minLength: 12, maxLength: 12 });
  fc.assert(
    fc.property(twelve, twelve, (a, b) => {
      const [textA, textB] = [encodeXid(a), encodeXid(b)];
      expect(isXid(textA)).toBe(true);
      expect(Buffer.compare(Buffer.from(decodeXid(textA) ?? []), a)).toBe(0);
      expect(Math.sign(textA < textB ? -1 : textA > textB ? 1 : 0)).toBe(Buffer.compare(a, b));
    }),
  );
});

test("100 000 ids have the form, never repeat and always rise", () => {
  const ids = source(Date.now, 0xff_0000);
  let before = "";
  for (let n = 0; n < 100_000; n += 1) {
    const id = ids.next();
    expect(id > before && isXid(id)).toBe(true);
    before = id;
  }
});

describe("clocks", () => {
  test("a counter that wraps inside one second borrows the next", () => {
    const ids = source(() => 5_000, 0xff_fffe);
    const [a, b, c] = [ids.next(), ids.next(), ids.next()];
    expect([a < b, b < c]).toEqual([true, true]);
    const secondOf = (id: string) => Buffer.from(decodeXid(id) ?? []).readUInt32BE(0);
    expect([a, b, c].map(secondOf)).toEqual([5, 6, 6]);
  });

  test("a clock that goes back, or stands still, changes nothing", () => {
    const times = [9_000, 9_000, 3_000, 1_000, 9_500, 10_000];
    const ids = source(() => times.shift() ?? 10_000);
    const made = Array.from({ length: 8 }, () => ids.next());
    expect(made).toEqual([...made].sort());
    expect(new Set(made).size).toBe(8);
  });

  test("the year 2039 and the end of 32 bits", () => {
    for (const seconds of [2_180_000_000, 2 ** 32 - 1]) {
      const bytes = decodeXid(source(() => seconds * 1000).next());
      expect(Buffer.from(bytes ?? []).readUInt32BE(0)).toBe(seconds);
    }
  });
});

test.each([
  "9M4E2MR0UI3E8A215N4G",
  "9m4e2mr0ui3e8a215n41",
  "9m4e2mr0ui3e8a215n4",
  "",
  "w".repeat(20),
])("%j is no xid", (text) => {
  expect(isXid(text)).toBe(false);
  expect(decodeXid(text)).toBeUndefined();
});

describe("the library, kept only for comparison", () => {
  const crockford = "0123456789abcdefghjkmnpqrstvwxyz";
  const base32hex = "0123456789abcdefghijklmnopqrstuv";
  const ids = Array.from({ length: 100_000 }, () => String(Xid.next()));

  test("it writes Crockford's alphabet: some of its ids are none of ours", () => {
    expect(ids.some((id) => /[w-z]/.test(id))).toBe(true);
    expect(ids.every((id) => !/[ilou]/.test(id))).toBe(true);
    expect(ids.every(isXid)).toBe(false);
  });

  test("written in the right alphabet, its seconds are the ones ours read", () => {
    const now = Math.floor(Date.now() / 1000);
    const right = [...(ids[0] ?? "")].map((one) => base32hex[crockford.indexOf(one)]).join("");
    // Its last character keeps bits that belong to nobody; ours wants them to be zero.
    const bytes = decodeXid(`${right.slice(0, 19)}0`);
    const seconds = Buffer.from(bytes ?? []).readUInt32BE(0);
    expect(Math.abs(seconds - now)).toBeLessThan(120);
  });
});
