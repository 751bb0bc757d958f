/** A failure in two words for the dashboard's footer. */
import { failureReport } from "../failure-report.ts";

export function describeFailure(error: unknown): {
  readonly code: string;
  readonly detail: string;
} {
  const { json } = failureReport(error);
  return { code: String(json.error), detail: String(json.detail) };
}
