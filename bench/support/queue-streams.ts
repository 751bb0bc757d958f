/** Subscriptions as bytes: reads metas out of the stream and acks them on other connections. */
import { connect, type Socket } from "node:net";
import { HttpConnection } from "./http-connection.ts";
import { ackBody } from "./queue-cycles.ts";

/** Connections that ack for one stream: together with it as many as the dequeuers have. */
const ackersPerStream = 3;

const meta = /\{"message":\{.*\}\}/g;

/** One stream and its ackers. */
class Stream {
  readonly #socket: Socket;
  readonly #ackers: HttpConnection[];
  readonly #idle: HttpConnection[];
  readonly #waiting: string[] = [];
  readonly #queue: string;
  readonly #acked: () => void;
  #heard = "";

  constructor(parts: { url: string; queue: string; acked: () => void }) {
    const { hostname, port } = new URL(parts.url);
    this.#queue = parts.queue;
    this.#acked = parts.acked;
    this.#ackers = Array.from({ length: ackersPerStream }, () => new HttpConnection(parts.url));
    this.#idle = [...this.#ackers];
    const body = JSON.stringify({ queue: parts.queue, owner: "bench", page_size: 64 });
    this.#socket = connect(Number(port), hostname).setNoDelay(true);
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk) => this.#hear(chunk.toString("latin1")));
    this.#socket.write(
      "POST /v1/queue/subscribe HTTP/1.1\r\nHost: x\r\n" +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
  }

  close(): void {
    this.#socket.destroy();
    for (const acker of this.#ackers) acker.close();
  }

  #hear(text: string): void {
    const heard = this.#heard + text;
    const end = heard.lastIndexOf("\n");
    this.#heard = heard.slice(end + 1);
    for (const [found] of heard.slice(0, end + 1).matchAll(meta)) this.#waiting.push(found);
    this.#ackWaiting();
  }

  #ackWaiting(): void {
    for (let acker = this.#idle.pop(); acker !== undefined; acker = this.#idle.pop()) {
      const next = this.#waiting.shift();
      if (next === undefined) {
        this.#idle.push(acker);
        return;
      }
      void this.#ack(acker, next);
    }
  }

  async #ack(acker: HttpConnection, found: string): Promise<void> {
    const answer = await acker.post("/v1/queue/ack", ackBody(this.#queue, found));
    if (!answer.head.startsWith("HTTP/1.1 200")) throw new Error(answer.body);
    this.#acked();
    this.#idle.push(acker);
    this.#ackWaiting();
  }
}

/** Acked deliveries a second until `total` are done. */
export async function byStreams(parts: {
  readonly url: string;
  readonly queue: string;
  readonly streams: number;
  readonly total: number;
}): Promise<number> {
  const { url, queue, total } = parts;
  const done = Promise.withResolvers<void>();
  let count = 0;
  const acked = (): void => {
    count += 1;
    if (count === total) done.resolve();
  };
  const from = performance.now();
  const streams = Array.from({ length: parts.streams }, () => new Stream({ url, queue, acked }));
  await done.promise;
  const seconds = (performance.now() - from) / 1_000;
  for (const stream of streams) stream.close();
  return total / seconds;
}
