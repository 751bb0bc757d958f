/**
 * How far a long transfer is, on stderr: a bar on a terminal from the second second on, JSON lines
 * where they were asked for, nothing otherwise. What is shown is a pure function of what is known.
 */

export type ProgressMode = "bar" | "json" | "off";

export const progressModes = ["auto", "json", "off"] as const;

/** What is known of a transfer. */
export interface TransferState {
  readonly label: string;
  /** Bytes so far. */
  readonly done: number;
  /** Bytes in all, when known. */
  readonly total: number | undefined;
  readonly elapsedMs: number;
}

/** Milliseconds a transfer takes at least before anything is shown. */
const quietMs = 1_000;

/** Milliseconds between two looks of a person, and of a program. */
const barPauseMs = 200;
const jsonPauseMs = 1_000;

/** Columns of the bar itself. */
const barColumns = 24;

/** One line for a terminal of `columns`. */
export function progressLine(state: TransferState, columns: number): string {
  const { label, done, total, elapsedMs } = state;
  const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : 0;
  const speed = `${sizeText(perSecond)}/s`;
  if (total === undefined || total === 0) {
    return fitted([label, sizeText(done), speed], columns);
  }
  const share = Math.min(1, done / total);
  const filled = Math.floor(share * barColumns);
  const bar = `[${"#".repeat(filled)}${"-".repeat(barColumns - filled)}]`;
  const percent = `${String(Math.floor(share * 100)).padStart(3)}%`;
  const left = perSecond > 0 ? `${timeText((total - done) / perSecond)} left` : "";
  const amount = `${sizeText(done)} of ${sizeText(total)}`;
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
export function progressJson({ label, done, total, elapsedMs }: TransferState): string {
  const rounded = Math.round(elapsedMs);
  return JSON.stringify({ progress: label, bytes: done, total_bytes: total, elapsed_ms: rounded });
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

/** Shows a transfer while its bytes pass; drawn by a timer, so that a stall shows as one. */
export class TransferProgress {
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #mode: ProgressMode;
  readonly #output: ProgressOutput;
  readonly #startedMs = performance.now();
  #done = 0;
  #drawn = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    transfer: { readonly label: string; readonly total: number | undefined },
    mode: ProgressMode,
    output: ProgressOutput = process.stderr,
  ) {
    this.#label = transfer.label;
    this.#total = transfer.total;
    this.#mode = mode;
    this.#output = output;
  }

  /** The same bytes, counted; a body that is read again is counted again from its start. */
  async *of(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#start();
    this.#done = 0;
    try {
      for await (const chunk of source) {
        this.#done += chunk.byteLength;
        yield chunk;
      }
    } finally {
      this.#stop();
    }
  }

  #start(): void {
    if (this.#mode === "off" || this.#timer !== undefined) return;
    const pauseMs = this.#mode === "bar" ? barPauseMs : jsonPauseMs;
    this.#timer = setInterval(() => this.#show(), pauseMs).unref();
  }

  #show(): void {
    const elapsedMs = performance.now() - this.#startedMs;
    if (elapsedMs < quietMs) return;
    const state = { label: this.#label, done: this.#done, total: this.#total, elapsedMs };
    if (this.#mode === "json") {
      this.#output.write(`${progressJson(state)}\n`);
      return;
    }
    this.#drawn = true;
    this.#output.write(`\r${progressLine(state, this.#output.columns ?? 80)}\u001b[K`);
  }

  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#drawn) this.#output.write("\r\u001b[K");
    this.#drawn = false;
  }
}
