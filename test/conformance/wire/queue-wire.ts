/** Queue calls as bytes: forms that go in, deliveries that come out. */
import { expect } from "vitest";
import { boundaryIn, dechunked, post } from "../../server/raw-chunks.ts";
import { type Answer, RawConnection } from "../../server/raw-http.ts";
import { freshQueue } from "../queue-story.ts";
import type { Wire } from "./wire.ts";

export interface WireDelivery {
  readonly message: Readonly<Record<string, unknown>>;
  readonly payload: string;
  readonly payloadHead: string;
  readonly metaHead: string;
}

/** The pairs of a complete multipart answer, every delimiter where it belongs. */
export function deliveriesIn(body: string, boundary: string): WireDelivery[] {
  expect(body.startsWith(`--${boundary}\r\n`)).toBe(true);
  expect(body.endsWith(`\r\n--${boundary}--\r\n`)).toBe(true);
  const parts = body
    .slice(0, -`\r\n--${boundary}--\r\n`.length)
    .slice(`--${boundary}\r\n`.length)
    .split(`\r\n--${boundary}\r\n`)
    .map((part) => {
      const at = part.indexOf("\r\n\r\n");
      return { head: part.slice(0, at), text: part.slice(at + 4) };
    });
  expect(parts.length % 2).toBe(0);
  return parts.flatMap((meta, at) => {
    const payload = parts[at + 1];
    if (at % 2 === 1 || payload === undefined) return [];
    const members = JSON.parse(meta.text);
    // Nothing beside the message, and a cursor never.
    expect(Object.keys(members)).toEqual(["message"]);
    expect(meta.text.endsWith("}\n")).toBe(true);
    return [
      {
        message: members.message as Record<string, unknown>,
        payload: payload.text,
        payloadHead: payload.head,
        metaHead: meta.head,
      },
    ];
  });
}

/** One queue of its own. */
export class QueueWire {
  readonly queue = freshQueue();
  readonly wire: Wire;

  constructor(wire: Wire) {
    this.wire = wire;
  }

  form(meta: object | string, payload?: string): string {
    const text = typeof meta === "string" ? meta : JSON.stringify(meta);
    const part = (name: string, body: string) =>
      `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${body}\r\n`;
    return `${part("meta", text)}${payload === undefined ? "" : part("payload", payload)}--b--\r\n`;
  }

  /** Sends a form as it stands. */
  send(form: string, headers: Readonly<Record<string, string>> = {}, search = ""): Promise<Answer> {
    const type = { "Content-Type": "multipart/related; boundary=b" };
    return this.wire.post(`/v1/queue/enqueue${search}`, form, { ...type, ...headers });
  }

  put(payload = "x", meta: object = {}, headers: Readonly<Record<string, string>> = {}) {
    return this.send(this.form({ queue: this.queue, ...meta }, payload), headers);
  }

  post(verb: string, more: object = {}, headers: Readonly<Record<string, string>> = {}) {
    return this.wire.post(`/v1/queue/${verb}`, { queue: this.queue, ...more }, headers);
  }

  ask(more: object = {}, verb = "dequeue"): Promise<Answer> {
    return this.post(verb, { owner: "w", wait_seconds: -1, ...more });
  }

  async page(more: object = {}, verb = "dequeue"): Promise<WireDelivery[]> {
    const { status, headers, text, json } = await this.ask(more, verb);
    expect([status, json.error]).toEqual([200, undefined]);
    const type = `\r\nContent-Type: ${headers["content-type"]}`;
    const deliveries = deliveriesIn(text, boundaryIn(type));
    expect(headers["x-correlation-id"]).toBe(deliveries[0]?.message.correlation_id);
    return deliveries;
  }

  async take(more: object = {}, verb = "dequeue"): Promise<WireDelivery> {
    const [delivery] = await this.page({ wait_seconds: 10, ...more }, verb);
    if (delivery === undefined) throw new Error("a page was empty");
    return delivery;
  }

  async expectEmpty(): Promise<void> {
    expect(await this.wire.refused(this.ask())).toBe("409 waiting");
  }

  /** A stream on a connection of its own. */
  subscribe(more: object = {}, verb = "subscribe"): RawConnection {
    const raw = new RawConnection(this.wire.url);
    const body = JSON.stringify({ queue: this.queue, owner: "w", ...more });
    raw.say(post(`/v1/queue/${verb}`, body));
    return raw;
  }
}

/** What ack, nack and extend take of a delivery. */
export function identityIn({ message }: WireDelivery): Record<string, unknown> {
  const { message_id, lease_id, fencing_token, txn_id, meta_etag } = message;
  const { state_lease_id, state_fencing_token } = message;
  const own = { message_id, lease_id, fencing_token, txn_id, meta_etag };
  return state_lease_id === undefined ? own : { ...own, state_lease_id, state_fencing_token };
}

/** What arrived on a stream so far, without its chunk sizes. */
export function arrived(raw: RawConnection): string {
  return dechunked(raw.heard).body;
}
