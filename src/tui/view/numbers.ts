/** Numbers and times, short enough for a column. */
import type { QueueCounted, QueueSummary } from "../../api/queues.ts";

/** `1,234,567`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `950`, `12.3k`, `4.1M`: at most five cells. */
export function compact(value: number): string {
  if (value < 10_000) return String(Math.round(value));
  if (value < 999_500) return `${shortened(value / 1_000)}k`;
  return `${shortened(value / 1_000_000)}M`;
}

/** True when there may be more of it than the number says. */
export function isAtLeast({ atLeast }: QueueSummary, kind: QueueCounted): boolean {
  return atLeast?.includes(kind) === true;
}

function shortened(value: number): string {
  return value < 99.95 ? value.toFixed(1) : String(Math.round(value));
}

/** Two units at most: `3d 4h`, `2h 05m`, `3m 20s`, `12s`. */
export function ageText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
  }
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}

/** A span that was chosen: `300ms`, `2s`, `2.5s`, `1m 30s`. */
export function spanText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  return ms < 60_000 ? `${Math.round(ms / 100) / 10}s` : ageText(ms);
}

/** Per second; below ten with one digit behind the point. */
export function rateText(perSecond: number | undefined): string {
  if (perSecond === undefined) return "-";
  if (perSecond === 0) return "0";
  return perSecond < 9.95 ? perSecond.toFixed(1) : compact(perSecond);
}

/** `14:05:09`, local time. */
export function clockText(unixMs: number): string {
  const date = new Date(unixMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}
