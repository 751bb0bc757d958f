/** The settings of queues as the engine wants them (http-queue.md section 14). */
import { availableParallelism } from "node:os";
import { parseDuration, parseSwitch, parseWhole } from "../values.ts";
import type { SettingName, SettingValues } from "./server-settings.ts";

/** Consumers that may wait at once: so many a CPU, within these bounds. */
const consumersPerCpu = 64;
const consumersMin = 128;
const consumersMax = 4_096;

export interface QueuePlan {
  readonly consumersMax: number;
  readonly pollMs: number;
  readonly pollJitterMs: number;
  readonly safetyPollMs: number;
  readonly pageSize: number;
  readonly usesWatch: boolean;
}

/** @throws UsageError naming the setting */
export function queuePlan(settings: SettingValues): QueuePlan {
  const text = (name: SettingName): string => settings[name].text.trim();
  const ms = (name: SettingName): number => parseDuration(text(name), name);
  const consumers = parseWhole(text("queue-max-consumers"), "queue-max-consumers", 0);
  ms("queue-decision-cache-ttl");
  ms("queue-decision-apply-timeout");
  parseWhole(text("queue-decision-max-apply"), "queue-decision-max-apply", 0);
  const onDisk = parseSwitch(text("disk-queue-watch"), "disk-queue-watch");
  const noMemory = parseSwitch(text("disable-mem-queue-watch"), "disable-mem-queue-watch");
  return {
    consumersMax: consumers === 0 ? consumersOfMachine(availableParallelism()) : consumers,
    pollMs: Math.max(1, ms("queue-poll-interval")),
    pollJitterMs: ms("queue-poll-jitter"),
    safetyPollMs: Math.max(1, ms("queue-resilient-poll-interval")),
    pageSize: parseWhole(text("queue-list-page-size"), "queue-list-page-size", 1),
    usesWatch: text("store").startsWith("mem:") ? !noMemory : onDisk,
  };
}

export function consumersOfMachine(cpus: number): number {
  return Math.min(consumersMax, Math.max(consumersMin, consumersPerCpu * cpus));
}
