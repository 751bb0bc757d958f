/** beanstalkd with a binlog that is synced on every write: put, reserve, delete. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startOther } from "./children.ts";

const port = 21_300;
const payload = "x".repeat(300);

/** One command at a time, its reply as text. */
class Tube {
  readonly #socket: Socket;
  #heard = "";
  #settle: ((reply: string) => void) | undefined;

  constructor() {
    this.#socket = connect(port, "127.0.0.1").setNoDelay(true);
    this.#socket.on("data", (chunk) => {
      this.#heard += chunk.toString("latin1");
      const bytes = /^RESERVED \d+ (\d+)\r\n/.exec(this.#heard);
      const need = bytes === null ? 2 : bytes[0].length + Number(bytes[1]) + 2;
      if (!this.#heard.endsWith("\r\n") || this.#heard.length < need) return;
      const reply = this.#heard;
      this.#heard = "";
      this.#settle?.(reply);
    });
  }

  send(text: string): Promise<string> {
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket.write(text, "latin1");
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Cycles a second; undefined when it is not installed. */
export async function beanstalkd(
  connections: number,
  seconds: number,
): Promise<number | undefined> {
  if (spawnSync("which", ["beanstalkd"]).status !== 0) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), "peer-beanstalkd-"));
  const options = ["-l", "127.0.0.1", "-p", String(port), "-b", directory, "-f", "0"];
  const server = startOther("beanstalkd", options, "");
  await sleep(500);
  let phase: "warm-up" | "counting" | "over" = "warm-up";
  let count = 0;
  const tubes = Array.from({ length: connections }, () => new Tube());
  const lanes = tubes.map(async (tube) => {
    while (phase !== "over") {
      await tube.send(`put 0 0 30 ${payload.length}\r\n${payload}\r\n`);
      const reserved = await tube.send("reserve-with-timeout 10\r\n");
      await tube.send(`delete ${/^RESERVED (\d+)/.exec(reserved)?.[1]}\r\n`);
      if (phase === "counting") count += 1;
    }
  });
  await sleep(seconds * 333);
  phase = "counting";
  await sleep(seconds * 1_000);
  phase = "over";
  await Promise.all(lanes);
  for (const tube of tubes) tube.close();
  await server.stop();
  rmSync(directory, { recursive: true, force: true });
  return count / seconds;
}
