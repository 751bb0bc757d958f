/** Requests as bytes, answers as they came. */
import { connect, type Socket } from "node:net";
import { request } from "undici";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export interface Call {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request through a usual client. */
export async function call(url: string, options: Call = {}): Promise<Answer> {
  const answer = await request(url, {
    method: options.method ?? (options.body === undefined ? "GET" : "POST"),
    headers: { ...options.headers },
    body: options.body === undefined ? null : Buffer.from(options.body),
  });
  const text = await answer.body.text();
  const headers = Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
  );
  const isJson = headers["content-type"] === "application/json" && text !== "";
  return {
    status: answer.statusCode,
    headers,
    text,
    json: isJson ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}

/** A connection on which bytes are said and heard. */
export class RawConnection {
  readonly socket: Socket;
  heard = "";

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.on("data", (chunk) => {
      this.heard += chunk.toString("latin1");
    });
    this.socket.on("error", () => {});
  }

  say(text: string): void {
    this.socket.write(text, "latin1");
  }

  /** Stops sending and goes on listening, as `nc -N` does. */
  hangUp(): void {
    this.socket.end();
  }

  /** Resolves when what was heard matches; rejects when the connection ends before. */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(this.heard)) return;
        this.socket.off("data", look);
        this.socket.off("close", gone);
        resolve(this.heard);
      };
      const gone = (): void => reject(new Error(`closed after: ${this.heard}`));
      this.socket.on("data", look);
      this.socket.once("close", gone);
      look();
    });
  }

  closed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.closed) resolve();
      else this.socket.once("close", () => resolve());
    });
  }
}
