/** What commands write while they live, by which two at once can be seen. */
import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { unsafe } from "../second-look/verdict.ts";

export interface Beat {
  readonly token: number;
  readonly atMs: number;
}

/** Lines of a fencing token and the nanoseconds of its time. */
export function beatsOf(file: string): Beat[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trim().split("\n");
  return lines.map((line) => {
    const [token = "", nanos = ""] = line.split(" ");
    return { token: Number(token), atMs: Number(BigInt(nanos) / 1_000_000n) };
  });
}

/** There were so many holders, and no holder's beat comes after a later holder's. */
export function expectNoOverlap(beats: readonly Beat[], holders: number): void {
  const byTime = [...beats].sort((a, b) => a.atMs - b.atMs).map(({ token }) => token);
  const inOrder = [...byTime].sort((a, b) => a - b);
  expect(byTime, `${unsafe}beats of an earlier holder after a later one's`).toEqual(inOrder);
  expect(new Set(byTime).size).toBe(holders);
}
