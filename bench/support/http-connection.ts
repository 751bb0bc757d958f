/** One keep-alive connection that sends a request at a time; as cheap as a client can be. */
import { connect, type Socket } from "node:net";

export interface RawAnswer {
  readonly head: string;
  readonly body: string;
}

export class HttpConnection {
  readonly #socket: Socket;
  #heard = "";
  #settle: ((answer: RawAnswer) => void) | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#socket = connect(Number(port), hostname);
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk) => this.#hear(chunk.toString("latin1")));
    this.#socket.on("error", (error) => {
      throw error;
    });
  }

  post(path: string, body: string, headers = ""): Promise<RawAnswer> {
    const text =
      `POST ${path} HTTP/1.1\r\nHost: x\r\n${headers}` +
      `Content-Length: ${body.length}\r\n\r\n${body}`;
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket.write(text, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #hear(text: string): void {
    this.#heard += text;
    const at = this.#heard.indexOf("\r\n\r\n");
    if (at === -1) return;
    const length = Number(/content-length: (\d+)/i.exec(this.#heard)?.[1] ?? 0);
    if (this.#heard.length < at + 4 + length) return;
    const head = this.#heard.slice(0, at);
    const body = this.#heard.slice(at + 4, at + 4 + length);
    this.#heard = this.#heard.slice(at + 4 + length);
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.({ head, body });
  }
}
