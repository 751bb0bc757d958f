/** Processes under measurement: started, asked for their CPU time, and ended by their own id. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";

export interface Measured {
  readonly url: string;
  readonly pid: number;
  /** User and system time of all its threads so far, in microseconds. */
  cpuMicros(): number;
  /** Resident memory in MiB. */
  rssMegabytes(): number;
  stop(): Promise<void>;
}

/** Clock ticks a second of /proc. */
const ticksPerSecond = 100;

/** A server that somebody else has started. */
export function measuredAt(pid: number, url: string): Omit<Measured, "stop"> {
  return {
    url,
    pid,
    cpuMicros: () => {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6;
    },
    rssMegabytes: () => {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
    },
  };
}

function measured(child: ChildProcess, url: string): Measured {
  return {
    ...measuredAt(child.pid ?? 0, url),
    stop: async () => {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      const killing = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await once(child, "exit");
      clearTimeout(killing);
    },
  };
}

/** Starts a Node program that prints the URL it listens on as its first line. */
export async function startProgram(file: string, args: readonly string[]): Promise<Measured> {
  const child = spawn(process.execPath, ["--no-warnings", file, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  const [first] = (await once(child.stdout, "data")) as [Buffer];
  return measured(child, first.toString().trim().split("\n")[0] ?? "");
}

/** The built product as an operator starts it. */
export async function startLockd(storeUrl: string): Promise<Measured> {
  const program = path.join(import.meta.dirname, "../../bin/lockd.js");
  const words = ["serve", "--store", storeUrl, "--listen", "127.0.0.1:0", "--drain-grace", "0s"];
  const child = spawn(process.execPath, ["--no-warnings", program, ...words], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, NODE_ENV: "production" },
  });
  let heard = "";
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => {
      heard += chunk.toString();
      const address = /"address":"(http:[^"]+)"/.exec(heard)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once("exit", () => reject(new Error(`lockd did not start: ${heard}`)));
  });
  return measured(child, url);
}

/** For servers that are no Node program. */
export function startOther(file: string, args: readonly string[], url: string): Measured {
  const child = spawn(file, args, { stdio: "ignore" });
  return measured(child, url);
}
