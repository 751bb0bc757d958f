import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ChildScope } from "./process-tree.ts";

/** The watchdog's program: beside this file in the sources, at the top of the built bundle. */
function program(): string {
  const places = ["./watchdog-main.ts", "./watchdog-main.js", "../watchdog-main.js"];
  const found = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((file) => existsSync(file));
  if (found === undefined) throw new Error("watchdog-main is missing from this installation");
  return found;
}

/** Our end of the watchdog process (see `watchdog-main.ts`). */
export class Watchdog {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = spawn(process.execPath, ["--no-warnings", program()], {
      stdio: ["pipe", "ignore", "ignore"],
      // A session of its own: neither Ctrl-C nor Ctrl-Z of our terminal reaches it.
      detached: true,
      env: {},
    });
    this.#process.stdin?.on("error", () => {});
    this.#process.on("error", () => {});
    this.#process.unref();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  watch(pid: number, scope: ChildScope, graceMs: number): void {
    this.#say(`child ${pid} ${scope} ${Math.ceil(graceMs)}`);
  }

  /** Kill the child in `ms` from now unless told otherwise. */
  killIn(ms: number): void {
    this.#say(`until ${process.hrtime.bigint() + BigInt(Math.round(ms * 1e6))}`);
  }

  done(): void {
    this.#say("done");
    this.#process.stdin?.end();
  }

  #say(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }
}
