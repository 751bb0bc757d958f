/** `lockd subscribe`: messages as lines of JSON. */
import path from "node:path";
import { exitCodes } from "../../api/error-registry.ts";
import { LockdApiError } from "../../api/errors.ts";
import type { Delivery, DequeueRequest, Queues } from "../../api/queues.ts";
import { collected } from "../input.ts";
import { writeOut } from "../output.ts";
import { pauseOrAbort } from "../pause.ts";
import { deliveryJson } from "./delivery-output.ts";
import { endEmpty, isEmptyQueue } from "./empty-queue.ts";
import { writePayload } from "./payload-file.ts";
import { isPassing, reconnectPauseMs } from "./reconnect.ts";
import { addressOf } from "./take-message.ts";

/** Bytes of a payload that stands in the line as text. */
const textBytesMax = 64 * 1024;

export interface PrintTerms {
  readonly take: DequeueRequest;
  readonly max: number;
  readonly ack: boolean;
  /** Payloads go there as `<message_id>.bin`, not into the lines. */
  readonly payloadDirectory: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** @returns the exit code @throws what the queue refuses */
export async function printDeliveries(queues: Queues, terms: PrintTerms): Promise<number> {
  const { signal, max, take, say } = terms;
  const printer = new DeliveryPrinter(queues, terms);
  for (let failures = 0; ; failures += 1) {
    const before = printer.printed;
    let failure: unknown;
    try {
      await printer.printStream();
    } catch (error) {
      if (!signal.aborted && !isEmptyQueue(error) && !isPassing(error)) throw error;
      failure = error;
    }
    if (printer.printed >= max || signal.aborted) return exitCodes.ok;
    if (printer.printed > before) failures = 0;
    if (isEmptyQueue(failure) && take.waitSeconds !== 0) {
      if (printer.printed > 0) return exitCodes.ok;
      endEmpty(false);
      return exitCodes.wouldBlock;
    }
    if (failure instanceof Error && failures === 0 && !isEmptyQueue(failure)) {
      say(`${failure.message}; trying again`);
    }
    const pauseMs = reconnectPauseMs(
      failures,
      failure instanceof LockdApiError ? failure : undefined,
    );
    await pauseOrAbort(pauseMs, signal);
  }
}

class DeliveryPrinter {
  readonly #queues: Queues;
  readonly #terms: PrintTerms;
  printed = 0;

  constructor(queues: Queues, terms: PrintTerms) {
    this.#queues = queues;
    this.#terms = terms;
  }

  /** One subscription, until it ends or enough is printed. */
  async printStream(): Promise<void> {
    const { take, signal, max } = this.#terms;
    signal.throwIfAborted();
    const stream = await this.#queues.subscribe(take, { signal });
    try {
      for await (const delivery of stream) {
        await this.#print(delivery);
        if (this.printed >= max || signal.aborted) return;
      }
    } finally {
      await stream.close();
    }
  }

  async #print(delivery: Delivery): Promise<void> {
    const { payloadDirectory: directory, ack, say } = this.#terms;
    const file =
      directory === undefined ? undefined : path.join(directory, `${delivery.messageId}.bin`);
    const inline = file === undefined ? payloadFields(await bytesOf(delivery)) : {};
    if (file !== undefined) await writePayload(delivery.payload, file);
    await writeOut(`${JSON.stringify({ ...deliveryJson(delivery, file), ...inline })}\n`);
    this.printed += 1;
    if (!ack) return;
    try {
      const { correlationId } = delivery;
      await this.#queues.ack(addressOf(delivery), { correlationId: correlationId || undefined });
    } catch (error) {
      say(`message ${delivery.messageId}: ${error instanceof Error ? error.message : ""}`);
    }
  }
}

async function bytesOf({ payload }: Delivery): Promise<Uint8Array> {
  return payload instanceof Uint8Array ? payload : collected(payload);
}

/** Small text as it is, anything else as base64. */
function payloadFields(bytes: Uint8Array): { payload?: string; payload_base64?: string } {
  const text = bytes.length <= textBytesMax ? textOf(bytes) : undefined;
  if (text !== undefined) return { payload: text };
  return { payload_base64: Buffer.from(bytes).toString("base64") };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
