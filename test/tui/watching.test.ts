/** The poller and the follower over made-up lockds that fail, hang and storm. */
import { afterEach, expect, test } from "vitest";
import { Dashboard } from "../../src/tui/dashboard.ts";
import { runEffect } from "../../src/tui/effects.ts";
import { Follower } from "../../src/tui/follower.ts";
import { Poller } from "../../src/tui/poller.ts";
import type { DashboardSource } from "../../src/tui/source/dashboard-source.ts";
import { focused, initialState } from "../../src/tui/view-model/state.ts";
import { MadeUpSource, madeUpNowMs } from "./support/made-up.ts";
import { until } from "./support/until.ts";

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
});

function dashboard(refreshMs = 20): Dashboard {
  const size = { columns: 80, rows: 23 };
  const options = { labels: ["one"], writable: true, refreshMs, size };
  const initial = initialState({ ...options, nowMs: madeUpNowMs });
  return new Dashboard({ initial, onEffect: () => {} });
}

const describe = (error: unknown) => ({ code: "transport", detail: (error as Error).message });

function polled(source: DashboardSource, made: Dashboard): Poller {
  const poller = new Poller({
    dashboard: made,
    source,
    server: 0,
    describe,
    now: () => madeUpNowMs,
  });
  running.push(poller);
  poller.start();
  return poller;
}

test("looks again and again, also after failures, and comes back", async () => {
  const made = dashboard();
  let isDown = false;
  const good = new MadeUpSource();
  const source: DashboardSource = Object.assign(Object.create(good), {
    look: async (...words: Parameters<DashboardSource["look"]>) => {
      if (isDown) throw new Error("gone");
      return good.look(words[0]);
    },
  });
  polled(source, made);
  await until("three looks", () => good.looks >= 3);
  isDown = true;
  await until("lost", () => focused(made.state).phase === "lost");
  expect(focused(made.state).failure).toEqual({ code: "transport", detail: "gone" });
  expect(focused(made.state).look).toBeDefined();
  isDown = false;
  await until("live", () => focused(made.state).phase === "live");
});

test("a pause stops looking; waking looks once", async () => {
  const made = dashboard();
  const source = new MadeUpSource();
  const poller = polled(source, made);
  await until("a look", () => source.looks > 0);
  made.dispatch({ kind: "key", press: { name: "character", text: "p" } });
  await new Promise((resolve) => setTimeout(resolve, 60));
  const { looks } = source;
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(source.looks).toBe(looks);
  poller.wake();
  await until("one more", () => source.looks === looks + 1);
});

test("stops while a look hangs", async () => {
  const made = dashboard();
  let isAborted = false;
  const hanging: DashboardSource = Object.assign(Object.create(new MadeUpSource()), {
    look: (_: unknown, signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          isAborted = true;
          reject(signal.reason as Error);
        });
      }),
  });
  const poller = polled(hanging, made);
  await poller.stop();
  expect(isAborted).toBe(true);
  expect(focused(made.state).phase).toBe("connecting");
});

test("a storm of events comes in few batches, the newest kept, all counted", async () => {
  const made = dashboard();
  let batches = 0;
  made.subscribe(() => {
    batches += 1;
  });
  const follower = new Follower({
    dashboard: made,
    source: new MadeUpSource({ events: 10_000 }),
    server: 0,
  });
  running.push(follower);
  follower.start();
  await until("events", () => focused(made.state).events.at(-1)?.id === "9999");
  const { events, missed, rates } = focused(made.state);
  expect(events.length + missed).toBe(10_000);
  expect(rates.get("default/emails")?.in).toBe(2_500);
  expect(batches).toBeLessThan(100);
});

test("a server that tells nothing is asked once, and it is said", async () => {
  const made = dashboard();
  const source = new MadeUpSource({ tells: false });
  const follower = new Follower({ dashboard: made, source, server: 0 });
  running.push(follower);
  follower.start();
  await until("said", () => focused(made.state).following === "unavailable");
});

test("effects report back, failures too", async () => {
  const made = dashboard();
  const source = new MadeUpSource();
  const written: string[] = [];
  const ports = {
    sources: [source],
    describe,
    dispatch: made.dispatch,
    quit: () => {},
    wake: () => {},
    writeTerminal: (text: string) => written.push(text),
    signal: new AbortController().signal,
  };
  const action = { kind: "redrive", namespace: "default", queue: "emails" } as const;
  runEffect(ports, { kind: "act", server: 0, action });
  await until("done", () => made.state.notice?.text === "redrive done");
  expect(source.actions).toEqual([action]);
  runEffect(ports, { kind: "act", server: 7, action });
  await until("failed", () => made.state.notice?.tone === "bad");
  runEffect(ports, { kind: "copy", text: "dc2n19irpqc3go6bsp7g" });
  await until("copied", () => made.state.notice?.text === "copied dc2n19irpqc3go6bsp7g");
  expect(written).toEqual(["\u001b]52;c;ZGMybjE5aXJwcWMzZ282YnNwN2c=\u0007"]);
  runEffect(ports, { kind: "copy", text: "x".repeat(60_000) });
  await until("too long", () => made.state.notice?.text.startsWith("too_long") === true);
  expect(written).toHaveLength(1);
});
