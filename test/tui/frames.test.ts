import { expect, test } from "vitest";
import { Dashboard } from "../../src/tui/dashboard.ts";
import { Frames } from "../../src/tui/frames.ts";
import { framesPerSecondMax } from "../../src/tui/limits.ts";
import { unicodeGlyphs } from "../../src/tui/view/bars.ts";
import { initialState } from "../../src/tui/view-model/state.ts";
import { madeUpNowMs } from "./support/made-up.ts";
import { until } from "./support/until.ts";

function dashboard(): Dashboard {
  const size = { columns: 80, rows: 23 };
  const options = { labels: ["one"], writable: false, refreshMs: 2_000, size };
  return new Dashboard({
    initial: initialState({ ...options, nowMs: madeUpNowMs }),
    onEffect: () => {},
  });
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a change that cannot be seen draws nothing", async () => {
  const made = dashboard();
  const frames = new Frames(made, unicodeGlyphs);
  let drawn = 0;
  frames.subscribe(() => {
    drawn += 1;
  });
  // Within the same second the clock shows the same.
  for (let ms = 0; ms < 900; ms += 100) made.dispatch({ kind: "tick", nowMs: madeUpNowMs + ms });
  await pause(200);
  expect(drawn).toBe(0);
  made.dispatch({ kind: "tick", nowMs: madeUpNowMs + 1_000 });
  await until("the next second is drawn", () => drawn === 1);
  frames.stop();
});

test("lines that stayed the same are the same objects", async () => {
  const made = dashboard();
  const frames = new Frames(made, unicodeGlyphs);
  const before = frames.current();
  made.dispatch({ kind: "tick", nowMs: madeUpNowMs + 1_000 });
  await until("another frame", () => frames.current() !== before);
  const changed = frames.current().flatMap((line, at) => (line === before[at] ? [] : [at]));
  expect(changed).toEqual([0]);
  frames.stop();
});

test("a storm of changes makes no more frames than a person can see", async () => {
  const made = dashboard();
  const frames = new Frames(made, unicodeGlyphs);
  let drawn = 0;
  frames.subscribe(() => {
    drawn += 1;
  });
  const from = performance.now();
  let changes = 0;
  while (performance.now() - from < 600) {
    made.dispatch({ kind: "tick", nowMs: madeUpNowMs + 1_000 * changes });
    changes += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - from) / 1000;
  expect(changes).toBeGreaterThan(50);
  expect(drawn).toBeGreaterThan(0);
  expect(drawn).toBeLessThanOrEqual(Math.ceil(seconds * framesPerSecondMax) + 1);
  frames.stop();
});
