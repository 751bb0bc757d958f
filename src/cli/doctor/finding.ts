/** What `lockd doctor` says: a line for each thing looked at, and what to type when it is wrong. */
import { plainText } from "../plain-text.ts";

export type Level = "ok" | "warn" | "fail";

export interface Finding {
  readonly name: string;
  readonly level: Level;
  readonly text: string;
  /** What to do about it, as a command where there is one. */
  readonly fix?: string | undefined;
}

export const fine = (name: string, text: string): Finding => ({ name, level: "ok", text });

export function warned(name: string, text: string, fix: string): Finding {
  return { name, level: "warn", text, fix };
}

export function failed(name: string, text: string, fix: string): Finding {
  return { name, level: "fail", text, fix };
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly failures: number;
  readonly warnings: number;
}

export function diagnosisOf(findings: readonly Finding[]): Diagnosis {
  const count = (level: Level): number => findings.filter((one) => one.level === level).length;
  return { findings, failures: count("fail"), warnings: count("warn") };
}

export function diagnosisText({ findings, failures, warnings }: Diagnosis): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  const lines = findings.flatMap(({ name, level, text, fix }) => [
    `${level.padEnd(4)}  ${name.padEnd(width)}  ${plainText(text)}`,
    ...(fix === undefined ? [] : [`${" ".repeat(6 + width)}  fix: ${plainText(fix)}`]),
  ]);
  const counted = (count: number, word: string): string =>
    `${count} ${word}${count === 1 ? "" : "s"}`;
  const verdict = `${counted(failures, "failure")}, ${counted(warnings, "warning")}`;
  return `${[...lines, verdict].join("\n")}\n`;
}

export function diagnosisJson({ findings, failures, warnings }: Diagnosis) {
  return {
    passed: failures === 0,
    failures,
    warnings,
    checks: findings.map(({ name, level, text, fix }) => ({ name, level, text, fix })),
  };
}
