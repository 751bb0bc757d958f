/** A way to a server on which answers get lost: the server has done its part by then. */
import { once } from "node:events";
import {
  type AddressInfo,
  createServer,
  connect as dial,
  type Server,
  type Socket,
} from "node:net";

export class AnswerCutter {
  readonly url: string;
  /** Answers that were lost. */
  cut = 0;
  #left = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async before(serverUrl: string): Promise<AnswerCutter> {
    const port = Number(new URL(serverUrl).port);
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const cutter = new AnswerCutter(server);
    server.on("connection", (near) => cutter.#join(near, dial(port, "127.0.0.1")));
    return cutter;
  }

  /** The next `count` answers never arrive; their connections break. */
  loseNext(count = 1): void {
    this.#left = count;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(near: Socket, far: Socket): void {
    const both = [near, far];
    for (const [at, socket] of both.entries()) {
      this.#sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        this.#sockets.delete(socket);
        both[1 - at]?.destroy();
      });
    }
    near.on("data", (chunk) => far.write(chunk));
    far.on("data", (chunk) => {
      if (this.#left === 0) {
        near.write(chunk);
        return;
      }
      this.#left -= 1;
      this.cut += 1;
      near.destroy();
    });
  }
}
