/** The thread that extends the leases of messages while their handlers keep the loop busy. */
import { parentPort, workerData } from "node:worker_threads";
import { LockdApiError, LockdError } from "../api/errors.ts";
import type { Lockd } from "../api/lockd.ts";
import { HttpLockd } from "../client/http-lockd.ts";
import type {
  ExtendingCarrier,
  ExtendingNews,
  ExtendingOrder,
} from "../client/queue/extending-protocol.ts";
import { LocalLockd } from "./local-lockd.ts";

/** Milliseconds for one extension: a hung server must not pass for a held lease. */
const extendTimeoutMs = 15_000;

interface Extension {
  readonly timer: NodeJS.Timeout;
  /** The latest extension under way or done. */
  running: Promise<void>;
  metaEtag: string | undefined;
}

function carrierOf(data: ExtendingCarrier): Lockd {
  if (data.kind === "local") return new LocalLockd({ store: data.store });
  const { endpoints, shuffle, disableMtls } = data;
  return new HttpLockd({ endpoints, shuffle, disableMtls });
}

const lockd = carrierOf(workerData as ExtendingCarrier);
const extensions = new Map<number, Extension>();

function tell(news: ExtendingNews): void {
  parentPort?.postMessage(news);
}

function start(order: Extract<ExtendingOrder, { readonly kind: "start" }>): void {
  const { id, periodMs } = order;
  const timer = setInterval(() => {
    const extension = extensions.get(id);
    if (extension === undefined) return;
    extension.running = extension.running.then(() => extend(order));
  }, periodMs);
  const { metaEtag } = order.request;
  extensions.set(id, { timer, running: Promise.resolve(), metaEtag });
}

async function extend(order: Extract<ExtendingOrder, { readonly kind: "start" }>): Promise<void> {
  const extension = extensions.get(order.id);
  if (extension === undefined) return;
  const { request, correlationId, id } = order;
  try {
    const { metaEtag } = extension;
    const call = { timeoutMs: extendTimeoutMs, correlationId };
    const result = await lockd.queues.extend({ ...request, metaEtag }, call);
    if (result.metaEtag !== "") extension.metaEtag = result.metaEtag;
    tell({ kind: "extended", id, result });
  } catch (error) {
    clearInterval(extension.timer);
    extensions.delete(id);
    const code = error instanceof LockdError ? error.code : "internal_error";
    const isApi = error instanceof LockdApiError;
    const message = isApi ? error.detail : error instanceof Error ? error.message : String(error);
    const status = isApi ? error.status : undefined;
    tell({ kind: "failed", id, code, message, status });
  }
}

async function stop(id: number): Promise<void> {
  const extension = extensions.get(id);
  if (extension !== undefined) {
    clearInterval(extension.timer);
    await extension.running;
    extensions.delete(id);
  }
  tell({ kind: "stopped", id });
}

parentPort?.on("message", (order: ExtendingOrder) => {
  if (order.kind === "start") start(order);
  else void stop(order.id);
});
