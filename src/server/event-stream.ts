import type { Exchange } from "./exchange.ts";

/**
 * An answer of server-sent events. Its head goes out at once; every so often a comment says that
 * the connection lives, unless the client is behind with reading anyway.
 */
export class EventStream {
  readonly #exchange: Exchange;
  readonly #name: string;
  readonly #keepAlive: NodeJS.Timeout;
  #count = 0;

  constructor(exchange: Exchange, name: string, keepAliveMs: number) {
    this.#exchange = exchange;
    this.#name = name;
    const { response } = exchange;
    const headers = ["Content-Type", "text/event-stream", "Cache-Control", "no-cache"];
    headers.push("X-Accel-Buffering", "no", "Connection", "keep-alive");
    response.writeHead(200, exchange.head(headers, undefined));
    response.flushHeaders();
    this.#keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(": keepalive\n\n", "latin1");
    }, keepAliveMs);
    this.#keepAlive.unref();
  }

  /** Resolves when the next event may come. @throws ClientGone */
  async send(data: object): Promise<void> {
    this.#count += 1;
    const text = `id: ${this.#count}\nevent: ${this.#name}\ndata: ${JSON.stringify(data)}\n\n`;
    await this.#exchange.write(Buffer.from(text));
  }

  end(): void {
    clearInterval(this.#keepAlive);
    this.#exchange.response.end();
  }
}
