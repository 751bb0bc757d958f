/**
 * What must hold of messages that are moved in transactions: each that was put in once is there
 * once, in whatever queue; what a transaction was answered is what became of its messages; and
 * nobody ever was given one whose transaction nobody asked to commit.
 */
import type { Violation } from "../violation.ts";
import type { Move } from "./client.ts";

export interface Found {
  readonly messageId: string;
  readonly mark: string;
  readonly isStaged: boolean;
}

export function checkMoves(
  seen: { readonly moves: readonly Move[]; readonly found: readonly Found[] },
  seeded: readonly string[],
  delivered: readonly string[],
): readonly Violation[] {
  const violations: Violation[] = [];
  const violate = (property: string, text: string): void => {
    violations.push({ property, key: "", text, atMs: 0 });
  };
  const { moves, found } = seen;
  const countOf = (mark: string): number => found.filter((one) => one.mark === mark).length;
  for (const mark of seeded) {
    const count = countOf(mark);
    if (count === 0) violate("M01 not lost", `${mark} is nowhere`);
    if (count > 1) violate("M02 not doubled", `${mark} is there ${count} times`);
  }
  for (const { messageId, isStaged } of found) {
    if (isStaged) violate("M03 finished", `${messageId} still waits for its transaction`);
  }
  for (const move of moves) {
    const marks = [...move.sent.values()];
    const isPair = move.taken === undefined && marks.length === 2;
    const there = marks.filter((mark) => countOf(mark) > 0).length;
    const shown = JSON.stringify({ ...move, sent: [...move.sent] });
    if (isPair && there === 1) violate("M04 atomicity", `one of two: ${shown}`);
    if (isPair && move.answered !== undefined && (there === 2) !== (move.answered === "commit")) {
      violate("M05 answer", `${there} there: ${shown}`);
    }
    if (move.asked === "commit") continue;
    for (const messageId of move.sent.keys()) {
      const isOut =
        delivered.includes(messageId) || found.some((one) => one.messageId === messageId);
      if (isOut) violate("M06 before commit", `${messageId} came out of ${shown}`);
    }
  }
  return violations;
}
