/** Which of several messages with one dedupe key appears, however late a commit is applied. */
import { expect, test } from "vitest";
import type { Namespace } from "../../../src/api/names.ts";
import type { QueueName } from "../../../src/engine/queue/message.ts";
import { keyVerdict } from "../../../src/engine/queue/staged.ts";

const at = { namespace: "default" as Namespace, queue: "q" as QueueName, messageId: "me" };
/** Decided at 1000 with a window of 100. */
const times = { decidedAtMs: 1_000, windowEndMs: 1_100 };

const held = (untilMs: number, enteredMs: number, messageId = "other") => ({
  ...{ writeId: "w", messageId, untilMs, enteredMs, maxAttempts: 5, notVisibleUntilMs: 0 },
  ...{ visibilitySeconds: undefined, payloadBytes: 0, correlationId: "c" },
});

test.each([
  ["nobody has the key", undefined, "enter"],
  ["whose window was over at the decision", held(1_000, 900), "enter"],
  ["it is entered already", held(1_100, 1_050, "me"), "entered"],
  // Of the same transaction, applied first; this one much later, after a crash.
  ["another one of the same decision", held(1_100, 1_001), "second"],
  ["another one from before, whose window covers the decision", held(1_050, 950), "second"],
  ["who took the key over behind this one's window", held(1_300, 1_200), "late"],
])("%s", (_what, link, verdict) => {
  expect(keyVerdict(link, at, times)).toBe(verdict);
});
