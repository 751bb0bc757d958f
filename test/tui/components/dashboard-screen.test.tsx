/** The components draw the frame as it is, and hand on what is pressed. */
import { cleanup, render } from "ink-testing-library";
import { afterEach, expect, test } from "vitest";
import { DashboardScreen } from "../../../src/tui/components/dashboard-screen.tsx";
import { KeyListener } from "../../../src/tui/components/key-listener.tsx";
import { SpokenScreen } from "../../../src/tui/components/spoken-screen.tsx";
import { Dashboard } from "../../../src/tui/dashboard.ts";
import { Frames } from "../../../src/tui/frames.ts";
import { unicodeGlyphs } from "../../../src/tui/view/bars.ts";
import { frameLines } from "../../../src/tui/view/frame.ts";
import { lineText } from "../../../src/tui/view/line.ts";
import type { Effect, KeyPress } from "../../../src/tui/view-model/events.ts";
import { lookRequest, questionOf } from "../../../src/tui/view-model/look-request.ts";
import { initialState, screenNames } from "../../../src/tui/view-model/state.ts";
import { madeUpLook, madeUpNowMs } from "../support/made-up.ts";
import { until } from "../support/until.ts";

afterEach(() => cleanup());

function dashboard(effects: Effect[] = []): Dashboard {
  const made = new Dashboard({
    initial: initialState({
      labels: ["http://one:9341"],
      writable: false,
      refreshMs: 2_000,
      size: { columns: 100, rows: 23 },
      nowMs: madeUpNowMs,
    }),
    onEffect: (effect) => effects.push(effect),
  });
  const question = questionOf(lookRequest(made.state, 0));
  made.dispatch({ kind: "looked", server: 0, look: madeUpLook(), question, nowMs: madeUpNowMs });
  return made;
}

function shown(made: Dashboard) {
  const frames = new Frames(made, unicodeGlyphs);
  const onPress = (press: KeyPress): void => made.dispatch({ kind: "key", press });
  return render(
    <KeyListener onPress={onPress}>
      <DashboardScreen frames={frames} columns={() => 100} hasColour={false} />
    </KeyListener>,
  );
}

const escapes = /\u001b\[[0-9;]*m/g;

function plain(frame: string | undefined): string {
  const lines = (frame ?? "").replaceAll(escapes, "").split("\n");
  return lines.map((line) => line.trimEnd()).join("\n");
}

test.each(screenNames)("%s is drawn line for line", async (screen) => {
  const made = dashboard();
  const { lastFrame, stdin } = shown(made);
  stdin.write(String(screenNames.indexOf(screen) + 1));
  const expected = () =>
    frameLines({ state: made.state, glyphs: unicodeGlyphs }).map(lineText).join("\n").trimEnd();
  await until(
    screen,
    () => made.state.screen === screen && plain(lastFrame()).trimEnd() === expected(),
  );
});

test.each([
  ["\u001b[A", "up"],
  ["\u001b[B", "down"],
  ["\u001b[C", "right"],
  ["\u001b[D", "left"],
  ["\u001b[5~", "pageUp"],
  ["\u001b[6~", "pageDown"],
  ["\u001b[H", "home"],
  ["\u001b[F", "end"],
  ["\r", "enter"],
  ["\t", "tab"],
  ["\u001b[Z", "backTab"],
  ["\u007f", "backspace"],
  ["\u0003", "interrupt"],
  ["\u0006", "pageDown"],
  ["\u0002", "pageUp"],
  ["\u001b", "escape"],
])("%j is %s", async (sent, name) => {
  const presses: KeyPress[] = [];
  const { stdin } = render(
    <KeyListener onPress={(press) => presses.push(press)}>{null}</KeyListener>,
  );
  await until("listening", () => stdin.listenerCount("readable") > 0);
  stdin.write(sent);
  await until(name, () => presses.length > 0);
  expect(presses).toEqual([{ name, text: "" }]);
});

test("Escape and a letter close behind it are two keys; pasted text is its letters", async () => {
  const presses: KeyPress[] = [];
  const { stdin } = render(
    <KeyListener onPress={(press) => presses.push(press)}>{null}</KeyListener>,
  );
  await until("listening", () => stdin.listenerCount("readable") > 0);
  stdin.write("\u001b2");
  await until("two keys", () => presses.length === 2);
  expect(presses).toEqual([
    { name: "escape", text: "" },
    { name: "character", text: "2" },
  ]);
});

test("sentences are drawn for screen readers", async () => {
  const made = dashboard();
  const { lastFrame } = render(<SpokenScreen dashboard={made} />);
  made.dispatch({ kind: "key", press: { name: "character", text: "3" } });
  await until("the queues", () => lastFrame()?.includes("Row 1 of 4.") === true);
});
