/**
 * Turns changes of the state into frames: at most so many a second, none when nothing on the screen
 * is different, and lines that stayed the same are the same objects, so that only others are drawn.
 */
import type { Dashboard } from "./dashboard.ts";
import { framesPerSecondMax } from "./limits.ts";
import type { Glyphs } from "./view/bars.ts";
import { frameLines } from "./view/frame.ts";
import { type Line, sameLine } from "./view/line.ts";

export type MakeLines = (dashboard: Dashboard, glyphs: Glyphs) => readonly Line[];

export class Frames {
  readonly #dashboard: Dashboard;
  readonly #glyphs: Glyphs;
  readonly #makeLines: MakeLines;
  readonly #listeners = new Set<() => void>();
  #lines: readonly Line[];
  #timer: NodeJS.Timeout | undefined;
  #drawnAt = Number.NEGATIVE_INFINITY;

  constructor(dashboard: Dashboard, glyphs: Glyphs, makeLines: MakeLines = drawnLines) {
    this.#dashboard = dashboard;
    this.#glyphs = glyphs;
    this.#makeLines = makeLines;
    this.#lines = makeLines(dashboard, glyphs);
    dashboard.subscribe(() => this.#soon());
  }

  readonly current = (): readonly Line[] => this.#lines;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Draws nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #soon(): void {
    if (this.#timer !== undefined) return;
    const passed = performance.now() - this.#drawnAt;
    const wait = Math.max(0, 1000 / framesPerSecondMax - passed);
    // Also without a wait: several changes of one turn become one frame.
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#draw();
    }, wait);
  }

  #draw(): void {
    this.#drawnAt = performance.now();
    const before = this.#lines;
    const made = this.#makeLines(this.#dashboard, this.#glyphs);
    const lines = made.map((line, at) => {
      const old = before[at];
      return old !== undefined && sameLine(old, line) ? old : line;
    });
    if (lines.length === before.length && lines.every((line, at) => line === before[at])) return;
    this.#lines = lines;
    for (const listener of this.#listeners) listener();
  }
}

function drawnLines({ state }: Dashboard, glyphs: Glyphs): readonly Line[] {
  return frameLines({ state, glyphs });
}
