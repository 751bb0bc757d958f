import type {
  AttachmentList,
  AttachResult,
  DeleteAllAttachmentsResult,
  RetrievedAttachment,
} from "../../api/attachments.ts";
import type { KeyAddress, ServedLockd } from "../../api/lockd.ts";
import { isQueueStateKey, type Key } from "../../api/names.ts";
import type { Delivery, DeliveryStream, EnqueueResult, QueueAddress } from "../../api/queues.ts";
import { type Around, aroundLockd, type Face } from "../observe/around-lockd.ts";
import type { LockdMetrics } from "./lockd-metrics.ts";

/** What is done with a call: told when it is over, with its answer or undefined after an error. */
type Meter = (request: unknown, answer: unknown, ms: number) => void;

/** The classes of calls that are counted while they run (section 14). */
const queueKinds: Readonly<Record<string, string>> = {
  enqueue: "producer",
  dequeue: "consumer",
  subscribe: "consumer",
  ack: "ack",
  nack: "ack",
  extend: "ack",
};

const keyVerbs = new Set([
  "acquire",
  "keepAlive",
  "release",
  "get",
  "update",
  "mutate",
  "remove",
  "updateMetadata",
]);

/** The same lockd, counted; without a metrics listener nobody makes one of these. */
export function meteredLockd(lockd: ServedLockd, metrics: LockdMetrics): ServedLockd {
  const meters: Partial<Record<Face, Readonly<Record<string, Meter>>>> = {
    keys: leaseMeters(metrics),
    queues: queueMeters(metrics),
    attachments: attachmentMeters(metrics),
  };
  return aroundLockd(lockd, (face, method) => {
    const meter = meters[face]?.[method];
    const inflight = inflightOf(metrics, face, method);
    if (face === "queues" && method === "subscribe") return meteredStream(metrics, inflight);
    return meter === undefined && inflight === undefined ? undefined : timed(meter, inflight);
  });
}

interface Inflight {
  begin(): void;
  end(): void;
}

function inflightOf(metrics: LockdMetrics, face: Face, method: string): Inflight | undefined {
  const kind = face === "queues" ? queueKinds[method] : undefined;
  if (kind !== undefined) {
    const gauge = metrics.gauge("lockd.lsf.queue.inflight").labels({ lockd_queue_kind: kind });
    return { begin: () => gauge.inc(), end: () => gauge.dec() };
  }
  const isLock = face === "attachments" || (face === "keys" && keyVerbs.has(method));
  const isQuery = face === "queries" && (method === "keys" || method === "documents");
  if (!isLock && !isQuery) return undefined;
  const gauge = metrics.gauge(isLock ? "lockd.lsf.lock.inflight" : "lockd.lsf.query.inflight");
  return { begin: () => gauge.inc(), end: () => gauge.dec() };
}

function timed(meter: Meter | undefined, inflight: Inflight | undefined): Around {
  return async ({ args, run }) => {
    const from = performance.now();
    let answer: unknown;
    inflight?.begin();
    try {
      answer = await run();
      return answer;
    } finally {
      inflight?.end();
      meter?.(args[0], answer, performance.now() - from);
    }
  };
}

const resultOf = (answer: unknown): string => (answer === undefined ? "error" : "success");

function leaseMeters(metrics: LockdMetrics): Readonly<Record<string, Meter>> {
  const meter =
    (verb: "acquire" | "keepalive" | "release"): Meter =>
    (request, answer, ms) => {
      const { namespace, key } = request as KeyAddress;
      const labels = {
        lockd_namespace: namespace ?? "",
        lockd_lease_result: resultOf(answer),
        lockd_lease_kind: isQueueStateKey((key ?? "") as Key) ? "queue_state" : "lock",
      };
      metrics.count(`lockd.lease.${verb}`, 1, labels);
      metrics.observe(`lockd.lease.${verb}.duration_ms`, ms, labels);
    };
  return { acquire: meter("acquire"), keepAlive: meter("keepalive"), release: meter("release") };
}

/** A delivery is a lease of its message, an extension renews it, settling it is a release. */
function messageMeter(metrics: LockdMetrics, verb: "keepalive" | "release"): Meter {
  return (request, answer, ms) => {
    const labels = {
      lockd_namespace: (request as QueueAddress).namespace ?? "",
      lockd_lease_result: resultOf(answer),
      lockd_lease_kind: "queue_message",
    };
    metrics.count(`lockd.lease.${verb}`, 1, labels);
    metrics.observe(`lockd.lease.${verb}.duration_ms`, ms, labels);
  };
}

function queueMeters(metrics: LockdMetrics): Readonly<Record<string, Meter>> {
  const enqueue: Meter = (request, answer, ms) => {
    if (answer === undefined) return;
    const { namespace, queue } = request as QueueAddress;
    const labels = metrics.queueLabels(namespace, queue);
    metrics.count("lockd.queue.enqueue", 1, labels);
    metrics.count("lockd.queue.enqueue.bytes", (answer as EnqueueResult).payloadBytes, labels);
    metrics.observe("lockd.queue.enqueue.duration_ms", ms, labels);
  };
  const dequeue: Meter = (request, answer, ms) => {
    if (answer === undefined) return;
    const deliveries = answer as readonly Delivery[];
    const { namespace, queue } = request as QueueAddress;
    const stateful = deliveries.some(({ state }) => state !== undefined);
    const labels = queueLabels(metrics, { namespace, queue }, stateful);
    metrics.observe("lockd.queue.dequeue.duration_ms", ms, labels);
    for (const delivery of deliveries) countDelivery(metrics, delivery, labels);
  };
  const release = messageMeter(metrics, "release");
  return {
    enqueue,
    dequeue,
    ack: release,
    nack: release,
    extend: messageMeter(metrics, "keepalive"),
  };
}

function queueLabels(metrics: LockdMetrics, at: QueueAddress, stateful: boolean) {
  const labels = metrics.queueLabels(at.namespace, at.queue);
  return { ...labels, lockd_queue_stateful: String(stateful) };
}

function countDelivery(
  metrics: LockdMetrics,
  { payloadBytes, state }: Delivery,
  labels: ReturnType<typeof queueLabels>,
): void {
  metrics.count("lockd.queue.dequeue", 1, labels);
  metrics.count("lockd.queue.dequeue.bytes", payloadBytes, labels);
  const { lockd_namespace } = labels;
  const lease = { lockd_namespace, lockd_lease_result: "success" };
  metrics.count("lockd.lease.acquire", 1, { ...lease, lockd_lease_kind: "queue_message" });
  if (state === undefined) return;
  metrics.count("lockd.lease.acquire", 1, { ...lease, lockd_lease_kind: "queue_state" });
}

/** Deliveries of a stream are counted as they come; it is in flight until it is closed. */
function meteredStream(metrics: LockdMetrics, inflight: Inflight | undefined): Around {
  return async ({ args, run }) => {
    inflight?.begin();
    let isOver = false;
    const end = (): void => {
      if (!isOver) inflight?.end();
      isOver = true;
    };
    try {
      const stream = (await run()) as DeliveryStream;
      return countedStream(metrics, args[0] as QueueAddress, stream, end);
    } catch (error) {
      end();
      throw error;
    }
  };
}

function countedStream(
  metrics: LockdMetrics,
  ...[at, stream, end]: [QueueAddress, DeliveryStream, () => void]
): DeliveryStream {
  async function* deliveries(): AsyncGenerator<Delivery> {
    for await (const delivery of stream) {
      const labels = queueLabels(metrics, at, delivery.state !== undefined);
      countDelivery(metrics, delivery, labels);
      yield delivery;
    }
  }
  return {
    [Symbol.asyncIterator]: deliveries,
    close: () => {
      end();
      return stream.close();
    },
  };
}

const attachmentVerbs = {
  attach: "attach",
  list: "list",
  retrieve: "retrieve",
  delete: "delete",
  deleteAll: "delete_all",
} as const;

function attachmentMeters(metrics: LockdMetrics): Readonly<Record<string, Meter>> {
  return Object.fromEntries(
    Object.entries(attachmentVerbs).map(([method, verb]): [string, Meter] => [
      method,
      (request, answer, ms) => {
        const labels = {
          lockd_namespace: (request as KeyAddress).namespace ?? "",
          lockd_attachment_result: resultOf(answer),
        };
        metrics.count(`lockd.attachments.${verb}`, 1, labels);
        metrics.observe(`lockd.attachments.${verb}.duration_ms`, ms, labels);
        if (answer !== undefined) countContents(metrics, verb, answer, labels);
      },
    ]),
  );
}

function countContents(
  metrics: LockdMetrics,
  ...[verb, answer, labels]: [
    (typeof attachmentVerbs)[keyof typeof attachmentVerbs],
    unknown,
    Readonly<Record<string, string>>,
  ]
): void {
  switch (verb) {
    case "attach": {
      const { attachment, noop } = answer as AttachResult;
      metrics.count("lockd.attachments.attach.bytes", noop ? 0 : attachment.size, labels);
      break;
    }
    case "retrieve": {
      const { attachment } = answer as RetrievedAttachment;
      metrics.count("lockd.attachments.retrieve.bytes", attachment.size, labels);
      break;
    }
    case "list": {
      const { attachments } = answer as AttachmentList;
      metrics.observe("lockd.attachments.list.items", attachments.length, labels);
      break;
    }
    case "delete_all": {
      const { deleted } = answer as DeleteAllAttachmentsResult;
      metrics.observe("lockd.attachments.delete_all.items", deleted, labels);
      break;
    }
    case "delete":
      break;
  }
}
