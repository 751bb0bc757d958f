/**
 * How far long work is, on stderr: a bar on a terminal from the second second on, JSON lines where
 * they were asked for, nothing otherwise. What is shown is a pure function of what is known.
 */
import { Flags } from "./oclif.ts";

export type ProgressMode = "bar" | "json" | "off";

export const progressModes = ["auto", "json", "off"] as const;

export const progressFlag = {
  progress: Flags.string({
    options: [...progressModes],
    default: "auto",
    description: "on stderr: a bar on a terminal, JSON lines, or nothing",
  }),
} as const;

export interface Work {
  readonly label: string;
  /** How much there is in all, when known. */
  readonly total: number | undefined;
  /** What is counted, for example `letters`; bytes unless given. */
  readonly counted?: string | undefined;
}

/** What is known of work that runs. */
export interface WorkState extends Work {
  readonly done: number;
  readonly elapsedMs: number;
}

/** Milliseconds work takes at least before anything is shown. */
const quietMs = 1_000;

/** Milliseconds between two looks of a person, and of a program. */
const barPauseMs = 200;
const jsonPauseMs = 1_000;

/** Columns of a terminal that does not say. */
const columnsDefault = 80;

/** Columns of the bar itself. */
const barColumns = 24;

/** One line for a terminal of `columns`. */
export function progressLine(state: WorkState, columns: number): string {
  const { label, done, elapsedMs, counted } = state;
  const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : 0;
  const amountText = counted === undefined ? sizeText : (n: number) => String(Math.round(n));
  const things = counted === undefined ? "" : ` ${counted}`;
  const speed = `${amountText(perSecond)}/s`;
  if (state.total === undefined || state.total === 0) {
    return fitted([label, `${amountText(done)}${things}`, speed], columns);
  }
  // There may be more by now than there were when they were counted.
  const total = Math.max(state.total, done);
  const share = done / total;
  const filled = Math.floor(share * barColumns);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barColumns - filled)}]`;
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const left = perSecond > 0 ? `${timeText((total - done) / perSecond)} left` : "";
  const amount = `${amountText(done)} of ${amountText(total)}${things}`;
  return fitted([label, bar, percent, amount, speed, left], columns);
}

/** The parts joined, the label shortened first and the least important parts left out. */
function fitted([label = "", ...rest]: readonly string[], columns: number): string {
  const parts = rest.filter((part) => part !== "");
  const width = (): number => parts.join("  ").length + 2;
  while (parts.length > 1 && width() + Math.min(label.length, 8) > columns - 1) parts.pop();
  const room = Math.max(0, columns - 1 - width());
  const shown = label.length > room ? `${label.slice(0, Math.max(0, room - 3))}...` : label;
  return [shown, ...parts].join("  ").slice(0, columns - 1);
}

/** One object a line, for programs. */
export function progressJson({ label, done, total, elapsedMs, counted }: WorkState): string {
  const rounded = Math.round(elapsedMs);
  const amounts =
    counted === undefined ? { bytes: done, total_bytes: total } : { counted, done, total };
  return JSON.stringify({ progress: label, ...amounts, elapsed_ms: rounded });
}

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, "0")}s`;
  const minutes = Math.floor((whole % 3_600) / 60);
  return `${Math.floor(whole / 3_600)}h ${String(minutes).padStart(2, "0")}m`;
}

/** What `--progress` and the terminal come to; a bar never gets between JSON errors. */
export function progressMode(
  flag: string,
  context: { readonly isTerminal: boolean; readonly json: boolean },
): ProgressMode {
  if (flag === "json") return "json";
  return flag === "auto" && context.isTerminal && !context.json ? "bar" : "off";
}

/** Where a bar is drawn. */
export interface ProgressOutput {
  readonly columns?: number;
  write(text: string): unknown;
}

/** Shows work while it goes on; drawn by a timer, so that a stall shows as one. */
export class Progress {
  readonly #work: Work;
  readonly #mode: ProgressMode;
  readonly #output: ProgressOutput;
  readonly #startedMs = performance.now();
  #done = 0;
  #drawn = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(work: Work, mode: ProgressMode, output: ProgressOutput = process.stderr) {
    this.#work = work;
    this.#mode = mode;
    this.#output = output;
  }

  /** The same bytes, counted; a body that is read again is counted again from its start. */
  async *of(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.start();
    this.#done = 0;
    try {
      for await (const chunk of source) {
        this.#done += chunk.byteLength;
        yield chunk;
      }
    } finally {
      this.stop();
    }
  }

  start(): void {
    if (this.#mode === "off" || this.#timer !== undefined) return;
    const pauseMs = this.#mode === "bar" ? barPauseMs : jsonPauseMs;
    this.#timer = setInterval(() => this.#show(), pauseMs).unref();
  }

  /** So much is done by now; drawn with the next look. */
  reach(done: number): void {
    this.#done = done;
  }

  /** Takes the bar away; what comes next is written on a line of its own. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#drawn) this.#output.write("\r\u001b[K");
    this.#drawn = false;
  }

  #show(): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (elapsedMs < quietMs) return;
    const state = { ...this.#work, done: this.#done, elapsedMs };
    if (this.#mode === "json") {
      this.#output.write(`${progressJson(state)}\n`);
      return;
    }
    this.#drawn = true;
    // Terminals that do not know their width say 0.
    this.#output.write(`\r${progressLine(state, this.#output.columns || columnsDefault)}\u001b[K`);
  }
}
