import {
  queueConsumersMaxDefault,
  queuePageSizeDefault,
  queuePollJitterMsDefault,
  queuePollMsDefault,
  queueSafetyPollMsDefault,
} from "../limits.ts";

/** What users may change about queues (http-queue.md section 14). */
export interface QueueSettings {
  /** Requests waiting for messages at once, over all queues. */
  readonly consumersMax: number;
  readonly pollMs: number;
  readonly pollJitterMs: number;
  /** In place of `pollMs` while the store reports changes. */
  readonly safetyPollMs: number;
  readonly pageSize: number;
  /** False: poll although the store could report changes. */
  readonly usesWatch: boolean;
}

/** The settings with a default for everything that is not given. */
export function queueSettings(given: Partial<QueueSettings> = {}): QueueSettings {
  return {
    consumersMax: given.consumersMax ?? queueConsumersMaxDefault,
    pollMs: given.pollMs ?? queuePollMsDefault,
    pollJitterMs: given.pollJitterMs ?? queuePollJitterMsDefault,
    safetyPollMs: given.safetyPollMs ?? queueSafetyPollMsDefault,
    pageSize: given.pageSize ?? queuePageSizeDefault,
    usesWatch: given.usesWatch ?? true,
  };
}
