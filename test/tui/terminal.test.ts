/**
 * The dashboard in a real terminal. The screens are kept as files under `screens/` and compared as
 * they are; `UPDATE_SCREENS=1` writes them anew, to be looked at before they are kept.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type DemoProgram, demoProgram } from "./support/demo-program.ts";
import { Terminal, type TerminalSize, tmuxVersion } from "./support/tmux.ts";

const version = tmuxVersion();
if (version === undefined) {
  console.warn("no tmux (apt-get install tmux): the dashboard is not tried in a real terminal");
}

const small = { columns: 80, rows: 24 };
const large = { columns: 160, rows: 50 };

let program: DemoProgram;
const open: Terminal[] = [];

beforeAll(async () => {
  program = await demoProgram();
});
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.close();
});
afterAll(() => program.remove());

function started(scenario: string, size: TerminalSize = small): Terminal {
  // What is left on the screen when the dashboard has gone can be looked at.
  const command = `${program.command(scenario)}; echo "ended with $?"; cat`;
  const terminal = new Terminal(command, size);
  open.push(terminal);
  return terminal;
}

function compared(name: string, screen: string): void {
  const file = path.join(import.meta.dirname, "screens", `${name}.txt`);
  if (process.env.UPDATE_SCREENS === "1" || !existsSync(file)) writeFileSync(file, screen);
  expect(screen).toBe(readFileSync(file, "utf8"));
}

describe.skipIf(version === undefined)("in a terminal", () => {
  test.each([
    ["overview", "1", "fullest queues"],
    ["keys", "2", "[2 keys]"],
    ["queues", "3", "[3 queues]"],
    ["transactions", "4", "[4 t"],
    ["cluster", "5", "[5 cluster]"],
    ["events", "6", "11:59:20"],
  ])("%s, at 80x24 and at 160x50", async (name, key, text) => {
    for (const size of [small, large]) {
      const terminal = started("ordinary", size);
      await terminal.shows("worker-1");
      terminal.press(key);
      const screen = await terminal.shows(text);
      compared(`${name}-${size.columns}x${size.rows}`, screen);
    }
  });

  test("several servers side by side, one of them lost", async () => {
    const terminal = started("several", large);
    await terminal.shows("not reachable");
    compared("several-160x50", await terminal.shows("100,000"));
    terminal.resize(small);
    compared("several-80x24", await terminal.shows("every 300ms"));
  });

  test("help, a detail with hostile text, and a question", async () => {
    const terminal = started("writable");
    await terminal.shows("worker-1");
    terminal.press("?");
    compared("help-80x24", await terminal.shows("Esc closes"));
    terminal.press("Escape", "2", "Down", "Enter");
    compared("detail-80x24", await terminal.shows("committed state"));
    terminal.press("Escape", "R");
    compared("confirm-80x24", await terminal.shows("type yes"));
    terminal.type("yes");
    terminal.press("Enter");
    await terminal.shows("release done");
  });

  test("a filter while it is typed", async () => {
    const terminal = started("ordinary");
    await terminal.shows("worker-1");
    terminal.press("2", "/");
    terminal.type("order-00000");
    compared("filter-80x24", await terminal.shows("/order-00000"));
  });

  test("a part that could not be had, the others beside it", async () => {
    const terminal = started("degraded");
    await terminal.shows("worker-1");
    terminal.press("3");
    compared("degraded-80x24", await terminal.shows("store_unavailable"));
  });

  test("what is lost is said, with its age", async () => {
    const terminal = started("lost");
    compared("lost-80x24", await terminal.shows("not reachable"));
  });

  test("100,000 keys: the end of one window leads into the next", async () => {
    const terminal = started("large");
    await terminal.shows("100,000");
    terminal.press("2", "G");
    await terminal.shows("200 of 100,000");
    terminal.press("j");
    await terminal.shows("201 of 100,000");
    terminal.press("k");
    await terminal.shows("200 of 100,000");
  });

  test("a window that changes its size, down to too small and back", async () => {
    const terminal = started("ordinary");
    const before = await terminal.shows("worker-1");
    terminal.resize({ columns: 30, rows: 8 });
    await terminal.shows("lockd needs");
    terminal.resize(large);
    await terminal.shows("LEASE");
    terminal.resize(small);
    await terminal.shows("fullest queues");
    expect(terminal.screen()).toBe(before);
  });

  test("NO_COLOR takes every colour away", async () => {
    const terminal = new Terminal(`NO_COLOR=1 ${program.command("ordinary")}`, small);
    open.push(terminal);
    await terminal.shows("worker-1");
    expect(terminal.colouredScreen()).not.toMatch(/\u001b\[[0-9;]*(3[0-8]|4[0-8]|9[0-7])m/);
    const coloured = started("ordinary");
    await coloured.shows("worker-1");
    expect(coloured.colouredScreen()).toMatch(/\u001b\[[0-9;]*(3[0-8]|9[0-7])m/);
  });

  test("sentences for screen readers, without a screen of their own", async () => {
    const terminal = started("ordinary --spoken");
    await terminal.shows("12 keys held.");
    expect(terminal.flag("alternate_on")).toBe("0");
    terminal.press("2");
    const screen = await terminal.shows("Row 1 of 12.");
    expect(screen).toContain("Selected: Key billing/");
  });
});

describe.skipIf(version === undefined)("the terminal is put back", () => {
  async function restored(terminal: Terminal, code: number): Promise<string> {
    const screen = await terminal.shows(`ended with ${code}`);
    expect(terminal.flag("alternate_on")).toBe("0");
    expect(terminal.flag("cursor_flag")).toBe("1");
    terminal.type("typed and seen");
    // Echo is on again, and lines are lines again.
    await terminal.shows("typed and seen");
    return screen;
  }

  test("after q and after Ctrl-C", async () => {
    for (const key of ["q", "C-c"]) {
      const terminal = started("ordinary");
      await terminal.shows("worker-1");
      expect(terminal.flag("alternate_on")).toBe("1");
      terminal.press(key);
      const screen = await restored(terminal, 0);
      expect(screen).not.toContain("worker-1");
    }
  });

  test.each([
    ["TERM", 143],
    ["HUP", 129],
    ["INT", 130],
  ])("after SIG%s", async (name, code) => {
    const terminal = started("ordinary");
    await terminal.shows("worker-1");
    process.kill(terminal.programPid, `SIG${name}`);
    await restored(terminal, code);
  });

  test("after a crash, which is told", async () => {
    const terminal = started("crash");
    const screen = await restored(terminal, 1);
    expect(screen).toContain("made to crash");
  });
});
