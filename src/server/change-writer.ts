import type { ChangeEvent } from "../api/observation.ts";
import { changeJson } from "../api/observation-json.ts";
import { ClientGone, type Exchange } from "./exchange.ts";
import { changeKeepAliveMs } from "./limits.ts";

/**
 * Changes as server-sent events with ids. Waits for a slow client before it asks for the next
 * event, so nothing is ever queued here beyond one socket buffer. A comment every so often tells
 * both sides that the other is still there.
 */
export class ChangeWriter {
  readonly #exchange: Exchange;
  readonly #keepAlive: NodeJS.Timeout;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    const { response, request } = exchange;
    // The stream may be silent as long as it likes, whatever limit its request had.
    request.socket.setTimeout(0);
    const headers = ["Content-Type", "text/event-stream", "Cache-Control", "no-cache"];
    response.writeHead(200, exchange.head([...headers, "X-Accel-Buffering", "no"], undefined));
    response.flushHeaders();
    this.#keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(": keepalive\n\n", "latin1");
    }, changeKeepAliveMs);
    this.#keepAlive.unref();
  }

  /** Resolves when the next one may come. @throws ClientGone */
  async write(event: ChangeEvent): Promise<void> {
    const { response } = this.#exchange;
    if (response.destroyed) throw new ClientGone();
    const data = JSON.stringify(changeJson(event));
    const text = `id: ${event.id}\nevent: ${event.kind}\ndata: ${data}\n\n`;
    if (response.write(text, "utf8")) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (): void => {
        response.off("drain", settle);
        response.off("close", settle);
        if (response.destroyed) reject(new ClientGone());
        else resolve();
      };
      response.on("drain", settle);
      response.on("close", settle);
    });
  }

  end(): void {
    this.stop();
    this.#exchange.response.end();
  }

  stop(): void {
    clearInterval(this.#keepAlive);
  }
}
