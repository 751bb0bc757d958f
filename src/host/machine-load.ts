import { readFile } from "node:fs/promises";
import { availableParallelism, cpus, freemem, loadavg, totalmem } from "node:os";

/** How this machine is doing (security-and-operations.md section 14). */
interface Ticks {
  readonly busy: number;
  readonly all: number;
}

/** How fast the usual load follows the present one. */
const baselineWeight = 0.05;

const windowMinutes = ["1", "5", "15"] as const;

/** Samples the machine when asked; what a sample costs is one read of `/proc/meminfo`. */
export class MachineLoadSampler {
  #ticks: Ticks | undefined;
  readonly #baselines = new Map<string, number>();

  /** Never rejects: where there is no `/proc`, Node's own figures stand in. */
  async sample() {
    const now = ticks();
    const before = this.#ticks;
    this.#ticks = now;
    const all = now.all - (before?.all ?? now.all);
    const busy = now.busy - (before?.busy ?? now.busy);
    const loads = loadavg();
    return {
      ...(await memory()),
      cpuPercent: all <= 0 ? 0 : (100 * busy) / all,
      windows: windowMinutes.map((minutes, at) => this.#window(minutes, loads[at] ?? 0)),
    };
  }

  #window(minutes: (typeof windowMinutes)[number], load: number) {
    const known = this.#baselines.get(minutes) ?? (load === 0 ? 0.1 : load);
    const floor = Math.max(0.25, 0.05 * availableParallelism());
    const baseline = Math.max(floor, known + baselineWeight * (load - known));
    this.#baselines.set(minutes, baseline);
    return { minutes, load, baseline, multiplier: load / baseline };
  }
}

function ticks(): Ticks {
  let [busy, all] = [0, 0];
  for (const { times } of cpus()) {
    const total = times.user + times.nice + times.sys + times.idle + times.irq;
    all += total;
    busy += total - times.idle;
  }
  return { busy, all };
}

async function memory() {
  const text = await readFile("/proc/meminfo", "utf8").catch(() => "");
  const kib = (name: string): number | undefined => {
    const found = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
    return found === undefined ? undefined : Number(found);
  };
  const [total, available] = [kib("MemTotal"), kib("MemAvailable")];
  const free = total === undefined || available === undefined ? undefined : available / total;
  const [swapTotal, swapFree] = [kib("SwapTotal") ?? 0, kib("SwapFree") ?? 0];
  const swapUsed = swapTotal - swapFree;
  return {
    memoryPercent: 100 * (1 - (free ?? freemem() / totalmem())),
    swapBytes: swapUsed * 1024,
    swapPercent: swapTotal === 0 ? 0 : (100 * swapUsed) / swapTotal,
  };
}
