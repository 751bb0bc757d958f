import { expect, test } from "vitest";
import { freeBytes } from "../../src/bytes/free-bytes.ts";

test("what is a buffer of its own is gone at once", () => {
  const before = process.memoryUsage().arrayBuffers;
  const bytes = Buffer.alloc(50_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeGreaterThan(40_000_000);
  freeBytes(bytes);
  expect(bytes).toHaveLength(0);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
});

test("parts of something larger, small pieces and shared memory are left alone", () => {
  const whole = Buffer.alloc(100_000, "w");
  const pieces = [
    whole.subarray(0, 50_000),
    whole.subarray(50_000),
    Buffer.from("from the pool"),
    new Uint8Array(100),
    new Uint8Array(new SharedArrayBuffer(50_000)),
    new Uint8Array(0),
  ];
  const lengths = pieces.map(({ length }) => length);
  for (const piece of pieces) freeBytes(piece);
  expect(pieces.map(({ length }) => length)).toEqual(lengths);
  expect(whole.toString()).toBe("w".repeat(100_000));
});
