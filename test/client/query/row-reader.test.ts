/** Rows come out as they went in, however the bytes are cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LockdProtocolError, LockdTransportError } from "../../../src/api/errors.ts";
import { collectedRowBytesMax } from "../../../src/client/limits.ts";
import { RowReader } from "../../../src/client/query/row-reader.ts";
import { bytesOf } from "../../conformance/lockd-suite.ts";

interface Row {
  readonly key: string;
  readonly version: number;
  readonly doc: string;
}

function lineOf({ key, version, doc }: Row): string {
  const ver = version === 0 ? "" : `"ver":${version},`;
  return `{"ns":"n","key":${JSON.stringify(key)},${ver}"doc":${doc}}\n`;
}

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function rowsOf(reader: RowReader, reads: (key: string) => boolean): Promise<Row[]> {
  const rows: Row[] = [];
  for (let row = await reader.next(); row !== undefined; row = await reader.next()) {
    const { key, version } = row;
    rows.push({ key, version, doc: reads(key) ? (await bytesOf(row.doc)).toString() : "" });
  }
  return rows;
}

const docs = fc.oneof(
  { weight: 4, arbitrary: fc.json({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.constant(JSON.stringify({ "é}": "x".repeat(1000) })) },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: collectedRowBytesMax - 60, max: collectedRowBytesMax + 60 })
      .map((length) => JSON.stringify({ doc: 'a"doc":b', text: "y".repeat(length) })),
  },
);

const rowLists = fc.array(
  fc.record({ key: fc.string(), version: fc.nat(), doc: docs.map((doc) => doc.trim()) }),
  { maxLength: 5 },
);

describe("rows", () => {
  test("of any length, in pieces of any length, read or passed over", async () => {
    await fc.assert(
      fc.asyncProperty(
        rowLists,
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (rows, sizes, readsAll) => {
          const bytes = Buffer.from(rows.map(lineOf).join(""));
          // Many tiny pieces of a long row would only take time.
          const usable = bytes.length > 10_000 ? sizes.map((size) => size + 500) : sizes;
          const reads = (key: string) => readsAll || key.length % 2 === 0;
          const found = await rowsOf(new RowReader(cut(bytes, usable)), reads);
          expect(found).toEqual(
            rows.map((row) => ({ ...row, doc: reads(row.key) ? row.doc : "" })),
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("left half read are drained for the next one", async () => {
    const long = JSON.stringify({ text: "z".repeat(300_000) });
    const lines = [1, 2].map((version) => lineOf({ key: `k${version}`, version, doc: long }));
    const reader = new RowReader(cut(Buffer.from(lines.join("")), [50_000]));
    const first = await reader.next();
    if (first === undefined || first.doc instanceof Uint8Array) throw new Error("not a stream");
    for await (const chunk of first.doc) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }
    const second = await reader.next();
    expect(second?.key).toBe("k2");
    expect((await bytesOf(second?.doc ?? new Uint8Array(0))).toString() === long).toBe(true);
    expect(await reader.next()).toBeUndefined();
  });

  test("that break off are an error, after the rows before them", async () => {
    const whole = lineOf({ key: "a", version: 1, doc: "1" });
    for (const tail of [
      whole.slice(0, 10),
      whole.slice(0, -1),
      lineOf({
        key: "b",
        version: 2,
        doc: JSON.stringify("x".repeat(200_000)),
      }).slice(0, -1),
    ]) {
      const reader = new RowReader(cut(Buffer.from(whole + tail), [60_000]));
      expect((await reader.next())?.key).toBe("a");
      const rest = rowsOf(reader, () => true);
      await expect(rest).rejects.toBeInstanceOf(LockdTransportError);
    }
  });

  test("that are no rows break the protocol", async () => {
    for (const line of [
      "x\n",
      "{}\n",
      '{"ns":1,"key":"a","doc":1}\n',
      '{"key":"a","doc":1}\n',
      '{"ns":"n","key":"a","doc":1]\n',
      "\n",
      '{"ns":"n","key":"a","ver":"1","doc":1}\n',
    ]) {
      const read = new RowReader(cut(Buffer.from(line), [9])).next();
      await expect(read).rejects.toBeInstanceOf(LockdProtocolError);
    }
  });
});
