/** The verdict of a probe: worst of all it found, one line, and numbers to be plotted. */
import { plainText } from "../plain-text.ts";
import { isAlert, type Range } from "./range.ts";

export type CheckStatus = "OK" | "WARNING" | "CRITICAL" | "UNKNOWN";

/** What monitoring systems expect a probe to end with; a contract of theirs, not lockd's codes. */
export const checkExit: Readonly<Record<CheckStatus, number>> = {
  OK: 0,
  WARNING: 1,
  CRITICAL: 2,
  UNKNOWN: 3,
};

/** Something measured. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  /** As monitoring systems spell it: `s`, `ms`, or nothing for a count. */
  readonly unit: "" | "s" | "ms";
}

export interface Thresholds {
  readonly warning: ReadonlyMap<string, Range>;
  readonly critical: ReadonlyMap<string, Range>;
}

/** A finding beside the thresholds: a key held by the wrong one, a server that drains. */
export interface Finding {
  readonly status: CheckStatus;
  readonly text: string;
}

/** What a probe found out, before it is judged. */
export interface CheckFacts {
  /** What was looked at, for example `default/jobs`. */
  readonly subject: string;
  readonly metrics: readonly Metric[];
  readonly findings: readonly Finding[];
  /** Said in any case, behind what is wrong. */
  readonly text: string;
}

export interface JudgedMetric extends Metric {
  readonly status: CheckStatus;
  readonly warning: string | undefined;
  readonly critical: string | undefined;
}

export interface CheckResult {
  readonly check: string;
  readonly status: CheckStatus;
  readonly text: string;
  readonly metrics: readonly JudgedMetric[];
}

/** UNKNOWN stands above a warning and below something that is certainly wrong. */
const severity: Readonly<Record<CheckStatus, number>> = {
  OK: 0,
  WARNING: 1,
  UNKNOWN: 2,
  CRITICAL: 3,
};

export function judge(check: string, facts: CheckFacts, thresholds: Thresholds): CheckResult {
  const metrics = facts.metrics.map((metric) => judgeMetric(metric, thresholds));
  const reasons = [
    ...facts.findings,
    ...metrics.map((metric) => ({ status: metric.status, text: reasonOf(metric) })),
  ].filter(({ status }) => status !== "OK");
  const worst = [...reasons].sort((a, b) => severity[b.status] - severity[a.status]);
  const said = [...worst.map(({ text }) => text), facts.text].join("; ");
  return {
    check,
    status: worst[0]?.status ?? "OK",
    text: `${facts.subject}: ${said}`,
    metrics,
  };
}

function judgeMetric(metric: Metric, { warning, critical }: Thresholds): JudgedMetric {
  const [warn, crit] = [warning.get(metric.name), critical.get(metric.name)];
  const alerts = (range: Range | undefined): boolean =>
    range !== undefined && isAlert(range, metric.value);
  const status = alerts(crit) ? "CRITICAL" : alerts(warn) ? "WARNING" : "OK";
  return { ...metric, status, warning: warn?.text, critical: crit?.text };
}

function reasonOf({ name, value, unit, status, warning, critical }: JudgedMetric): string {
  const range = status === "CRITICAL" ? critical : warning;
  const limit = range?.startsWith("@") === true ? `inside ${range.slice(1)}` : `outside ${range}`;
  return `${name} ${numberText(value)}${unit} is ${limit}`;
}

/** At most three digits after the point, and never an exponent. */
function numberText(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

/** One line: verdict, words, and `| name=value;warning;critical;min`. */
export function checkLine({ check, status, text, metrics }: CheckResult): string {
  const plain = plainText(text.replace(/[|\r\n]+/g, " "));
  const data = metrics.map(
    ({ name, value, unit, warning = "", critical = "" }) =>
      `${name}=${numberText(value)}${unit};${warning};${critical};0`,
  );
  const numbers = data.length === 0 ? "" : ` | ${data.join(" ")}`;
  return `LOCKD ${check.toUpperCase()} ${status} - ${plain}${numbers}\n`;
}

export function checkJson({ check, status, text, metrics }: CheckResult) {
  return {
    check,
    status: status.toLowerCase(),
    exit_code: checkExit[status],
    text,
    metrics: metrics.map(({ name, value, unit, warning, critical, status: own }) => ({
      name,
      value,
      unit: unit === "" ? undefined : unit,
      status: own.toLowerCase(),
      warning,
      critical,
    })),
  };
}
