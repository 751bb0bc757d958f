import type { KeyAddress, ServedLockd } from "../../api/lockd.ts";
import { isQueueStateKey, type Key } from "../../api/names.ts";
import type { Delivery, EnqueueResult, QueueAddress } from "../../api/queues.ts";
import { LabelValues } from "./label-values.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";

type Method = (...args: unknown[]) => unknown;

/** What is done with a call: told when it is over, with its answer or undefined after an error. */
type Meter = (request: unknown, answer: unknown, ms: number) => void;

/**
 * The same lockd, counted. Only what has a metric is wrapped, everything else (methods to come
 * included) goes through untouched; without a metrics listener nobody makes one of these.
 */
export function meteredLockd(
  lockd: ServedLockd,
  metrics: LockdMetrics,
  defaultNamespace: string,
): ServedLockd {
  const namespaces = new LabelValues();
  const queues = new LabelValues();
  const leaseMeter = (verb: keyof LockdMetrics["lease"]): Meter => {
    const { count, ms: histogram } = metrics.lease[verb];
    return (request, answer, ms) => {
      const { namespace, key } = request as KeyAddress;
      const labels = {
        lockd_namespace: namespaces.of(namespace, defaultNamespace),
        lockd_lease_result: answer === undefined ? "error" : "success",
        lockd_lease_kind: isQueueStateKey((key ?? "") as Key) ? "queue_state" : "lock",
      };
      count.inc(labels);
      histogram.observe(labels, ms);
    };
  };
  const queueOf = (request: unknown) => {
    const { namespace, queue } = request as QueueAddress;
    return {
      lockd_namespace: namespaces.of(namespace, defaultNamespace),
      lockd_queue: queues.of(queue, "_none"),
    };
  };
  const enqueue: Meter = (request, answer, ms) => {
    if (answer === undefined) return;
    const labels = queueOf(request);
    metrics.enqueued.inc(labels);
    metrics.enqueuedBytes.inc(labels, (answer as EnqueueResult).payloadBytes);
    metrics.enqueueMs.observe(labels, ms);
  };
  const dequeue: Meter = (request, answer, ms) => {
    if (answer === undefined) return;
    const deliveries = answer as readonly Delivery[];
    const stateful = deliveries.some(({ state }) => state !== undefined);
    const labels = { ...queueOf(request), lockd_queue_stateful: String(stateful) };
    const bytes = deliveries.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0);
    metrics.dequeued.inc(labels, deliveries.length);
    metrics.dequeuedBytes.inc(labels, bytes);
    metrics.dequeueMs.observe(labels, ms);
  };
  const meteredQueues = metered(lockd.queues, { enqueue, dequeue }, {});
  const running = { start: () => metrics.inflight.inc(), end: () => metrics.inflight.dec() };
  return metered(
    lockd,
    {
      acquire: leaseMeter("acquire"),
      keepAlive: leaseMeter("keepAlive"),
      release: leaseMeter("release"),
    },
    { queues: meteredQueues },
    running,
  );
}

/** `target` with the given methods metered and the given members replaced. */
function metered<Target extends object>(
  target: Target,
  meters: Readonly<Record<string, Meter>>,
  ...[replaced, running]: [
    Readonly<Record<string, unknown>>,
    { readonly start: () => void; readonly end: () => void }?,
  ]
): Target {
  const made = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_target, name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      const own = typeof name === "string" ? replaced[name] : undefined;
      const value: unknown = own ?? Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as Method;
      const meter = typeof name === "string" ? meters[name] : undefined;
      const wrapped = meter === undefined ? method : timed(method, meter, running);
      made.set(name, wrapped);
      return wrapped;
    },
  });
}

function timed(
  method: Method,
  meter: Meter,
  running: { readonly start: () => void; readonly end: () => void } | undefined,
): Method {
  return async (...args) => {
    const from = performance.now();
    let answer: unknown;
    running?.start();
    try {
      answer = await method(...args);
      return answer;
    } finally {
      running?.end();
      meter(args[0], answer, performance.now() - from);
    }
  };
}
