/** Ranges and verdicts of the probes. */
import { expect, test } from "vitest";
import { thresholdsOf } from "../../../src/cli/check/check-command.ts";
import {
  type CheckFacts,
  checkJson,
  checkLine,
  judge,
} from "../../../src/cli/check/check-result.ts";
import { isAlert, parseRange } from "../../../src/cli/check/range.ts";

test.each([
  ["10", [-1, 10.1], [0, 10]],
  ["10:", [9.9, -1], [10, 1e9]],
  ["~:10", [10.1], [-1e9, 10]],
  ["5:10", [4, 11], [5, 10]],
  [":10", [-1, 11], [0, 10]],
  ["@5:10", [5, 7, 10], [4.9, 10.1]],
  ["@10", [0, 10], [-1, 11]],
  ["-5:-1", [-6, 0], [-5, -1]],
  ["0", [1, -1], [0]],
  ["2.5:", [2.4], [2.5]],
])("range %s", (text, alerts, fine) => {
  const range = parseRange(text, "--warning");
  expect(alerts.filter((value) => !isAlert(range, value))).toEqual([]);
  expect(fine.filter((value) => isAlert(range, value))).toEqual([]);
});

test.each(["", ":", "@", "x", "1:2:3", "10:5", "~", "1-2", "@:", "1e3", "5s"])(
  "%j is no range",
  (text) => {
    expect(() => parseRange(text, "--warning")).toThrow(/--warning ".*" is not a range/);
  },
);

const facts: CheckFacts = {
  subject: "default/jobs",
  metrics: [
    { name: "ready", value: 120, unit: "" },
    { name: "age", value: 61.23456, unit: "s" },
  ],
  findings: [],
  text: "120 ready",
};
const names = ["ready", "age"];

test("the worst threshold decides; the line has all numbers", () => {
  const flags = { warning: ["100", "age=60"], critical: ["1000", "age=@61:70"] };
  const result = judge("queue", facts, thresholdsOf(flags, names));
  expect(checkLine(result)).toBe(
    "LOCKD QUEUE CRITICAL - default/jobs: age 61.235s is inside 61:70; ready 120 is outside 100; " +
      "120 ready | ready=120;100;1000;0 age=61.235s;60;@61:70;0\n",
  );
  expect(checkJson(result)).toMatchObject({
    status: "critical",
    exit_code: 2,
    metrics: [
      { name: "ready", status: "warning" },
      { name: "age", status: "critical" },
    ],
  });
});

test("without thresholds it is fine; findings count like thresholds", () => {
  const none = thresholdsOf({}, names);
  expect(checkLine(judge("queue", facts, none))).toBe(
    "LOCKD QUEUE OK - default/jobs: 120 ready | ready=120;;;0 age=61.235s;;;0\n",
  );
  const finding = { status: "WARNING", text: "a|b\nc" } as const;
  const told = checkLine(judge("queue", { ...facts, findings: [finding] }, none));
  expect(told).toMatch(/^LOCKD QUEUE WARNING - default\/jobs: a b c; 120 ready \| /);
});

test("thresholds of unknown metrics are refused; the last range of a metric counts", () => {
  expect(() => thresholdsOf({ warning: ["old=1"] }, names)).toThrow(/the metrics are ready, age/);
  const warning = ["ready=0", "age=9", "ready=5"];
  const { warning: ranges, critical } = thresholdsOf({ warning }, names);
  expect([ranges.get("ready")?.text, ranges.get("age")?.text, critical.size]).toEqual([
    "5",
    "9",
    0,
  ]);
});
