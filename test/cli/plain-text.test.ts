/** What others chose is shown, not acted on: one line, whatever the owner of a key is called. */
import { expect, test } from "vitest";
import { failure } from "../../src/api/errors.ts";
import { checkLine } from "../../src/cli/check/check-result.ts";
import { failureReport } from "../../src/cli/failure-report.ts";
import { plainLines, plainText } from "../../src/cli/plain-text.ts";
import { columns } from "../../src/cli/queue/table-text.ts";
import { statusText } from "../../src/cli/status-text.ts";

const evil = "bob\u001b]0;title\u0007\nstate  none\u202egnp.exe | held-for=0s";
const harmless = /^[\x20-\x7e\n]*$/;

test("control characters and those that turn a line around become question marks", () => {
  expect(plainText("Zoë \u{1f600} 東京")).toBe("Zoë \u{1f600} 東京");
  expect(plainText(evil)).toMatch(/^bob\?]0;title\?\?state {2}none\?gnp/);
  expect(plainLines("one\n\ttwo\u001b[2J")).toBe("one\n  two?[2J");
});

test("the owner of a key is one line of its status", () => {
  const text = statusText({
    ...{ namespace: "default", key: "k", held: true, owner: evil, leaseId: "l", txnId: "t" },
    ...{
      fencingToken: 1,
      version: 0,
      metadata: {},
      stateEtag: undefined,
      staged: false,
      waiters: 0,
    },
    ...{ acquiredAtUnix: 1, expiresAtUnix: 2, remainingMs: 1_000, updatedAtUnix: 1 },
  });
  expect(text).toMatch(harmless);
  expect(text.split("\n").filter((line) => line.startsWith("state"))).toEqual([]);
});

test("nor do tables, probes and failures pass it on", () => {
  expect(columns([["REASON"], [evil]]).split("\n")).toHaveLength(3);
  expect(columns([[evil]])).toMatch(harmless);
  const probed = { check: "key", status: "OK" as const, text: `held by ${evil}`, metrics: [] };
  expect(checkLine(probed)).toMatch(/^[^|\n]*\n$/);
  expect(checkLine(probed)).toMatch(harmless);
  const { text, json } = failureReport(failure("waiting", `held by ${evil}`));
  expect(text).toMatch(harmless);
  expect(text.split("\n")[0]).toContain("held-for");
  // Programs get it as it is: JSON has its own escapes.
  expect(json.detail).toContain(evil);
});
