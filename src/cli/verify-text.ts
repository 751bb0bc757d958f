import type { StoreReport } from "../storage/verify.ts";

/** The report of `verify store` for people (cli.md 13.2). */
export function verifyText(report: StoreReport): string {
  const lines = [`Store: ${report.store}`, `Provider: ${report.provider}`, ""];
  if (report.checks.length === 0) {
    lines.push("Storage verification not implemented for this backend");
    return `${lines.join("\n")}\n`;
  }
  for (const { name, ok, error, info } of report.checks) {
    const more = error ?? info;
    lines.push(`${ok ? "✔" : "✘"} ${name}${more === undefined ? "" : `: ${more}`}`);
  }
  lines.push(report.passed ? "Storage verification succeeded." : "Storage verification failed.");
  return `${lines.join("\n")}\n`;
}
