import { describe, expect, test } from "vitest";
import type { DashboardEvent } from "../../../src/tui/view-model/events.ts";
import { listRows } from "../../../src/tui/view-model/layout.ts";
import { focused } from "../../../src/tui/view-model/state.ts";
import { madeUpEvents, madeUpLease, madeUpNowMs } from "../support/made-up.ts";
import { leases, Told } from "../support/told.ts";

describe("details", () => {
  test("an answer is shown, unless the detail was closed or is another one", () => {
    const told = new Told().look().type("2").press("enter");
    const [effect] = told.asked();
    if (effect?.kind !== "detail") throw new Error("no detail was asked for");
    const detail = { facts: [], heading: "", lines: ["x"] };
    told.tell({ kind: "detailed", subject: { ...effect.subject }, detail });
    expect(told.state.overlay).toMatchObject({ detail: undefined });
    told.tell({ kind: "detailed", subject: effect.subject, detail });
    expect(told.state.overlay).toMatchObject({ detail });
    told.press("escape").tell({ kind: "detailed", subject: effect.subject, detail });
    expect(told.state.overlay).toBeUndefined();
  });

  test("scrolling ends with the text", () => {
    const told = new Told().look().type("2").press("enter");
    const [effect] = told.asked();
    if (effect?.kind !== "detail") throw new Error("no detail was asked for");
    const lines = Array.from({ length: 100 }, (_, at) => String(at));
    const detail = { facts: [], heading: "", lines };
    told.tell({ kind: "detailed", subject: effect.subject, detail });
    told.press("end");
    const { overlay } = told.state;
    expect(overlay).toMatchObject({ top: 102 - (listRows(told.state) + 1 - 2) });
    expect(told.press("down").state.overlay).toEqual(overlay);
    expect(told.press("home").state.overlay).toMatchObject({ top: 0 });
  });

  test("an event has its detail at once", () => {
    const told = new Told();
    const events = madeUpEvents(3);
    told.tell({ kind: "happened", server: 0, events, tally: new Map(), skipped: 0 });
    told.type("6").press("enter");
    expect(told.state.overlay).toMatchObject({ subject: { kind: "event", event: events[2] } });
    expect(told.asked()).toEqual([]);
  });

  test("y copies the id of the row, or the text of the detail", () => {
    const told = new Told().look().type("2y");
    expect(told.asked()).toEqual([{ kind: "copy", text: madeUpLease(0).leaseId }]);
    const empty = new Told().type("2y");
    expect(empty.asked()).toEqual([]);
    expect(empty.state.notice?.text).toBe("nothing to copy");
  });
});

describe("changes", () => {
  test("read-only is the default, for keys and for commands", () => {
    for (const text of ["2R", "3D", "3X", "2:release\n"]) {
      const told = new Told().look();
      for (const key of text) told.press(key === "\n" ? "enter" : { text: key });
      expect(told.state.overlay).toBeUndefined();
      expect(told.state.notice?.text).toContain("read-only");
      expect(told.asked().filter(({ kind }) => kind === "act")).toEqual([]);
    }
  });

  test("only the whole word and Enter do it", () => {
    for (const typed of ["", "y", "no", "yess", "ye s"]) {
      const told = new Told({ writable: true }).look().type("2R").type(typed).press("enter");
      expect(told.asked().filter(({ kind }) => kind === "act")).toEqual([]);
      expect(told.state.overlay).toBeUndefined();
    }
    const told = new Told({ writable: true }).look().type("2R").type("yex").press("backspace");
    told.type("s").press("enter");
    const action = { kind: "release", lease: madeUpLease(0) };
    expect(told.asked()).toContainEqual({ kind: "act", server: 0, action });
  });

  test("what is asked about stays the same when the list changes meanwhile", () => {
    const told = new Told({ writable: true }).look({ leases: leases(3) }).type("2R");
    told
      .look({ leases: leases(3, 1) })
      .type("yes")
      .press("enter");
    const action = { kind: "release", lease: madeUpLease(0) };
    expect(told.asked()).toContainEqual({ kind: "act", server: 0, action });
  });

  test("redrive and purge need a queue with dead letters", () => {
    const told = new Told({ writable: true }).look().type("3").press("down").type("D");
    expect(told.state.notice?.text).toBe("default/thumbnails has no dead letters");
    told.press("up").type("X").type("yes").press("enter");
    const action = { kind: "purge", namespace: "default", queue: "emails" };
    expect(told.asked()).toContainEqual({ kind: "act", server: 0, action });
    expect(told.type("2X").state.notice?.text).toContain("queues screen");
  });

  test("nothing is changed on a server that does not answer", () => {
    const told = new Told({ writable: true }).look().type("2");
    const failure = { code: "transport", detail: "gone" };
    told.tell({ kind: "lookFailed", server: 0, failure, nowMs: madeUpNowMs }).type("R");
    expect(told.state.overlay).toBeUndefined();
    expect(told.state.notice?.text).toContain("does not answer");
  });

  test("its end is told, and it is looked again", () => {
    const told = new Told({ writable: true }).tell({ kind: "acted", text: "released a" });
    expect(told.state.notice).toMatchObject({ text: "released a", tone: "good" });
    expect(told.asked()).toEqual([{ kind: "refresh" }]);
    const failure = { code: "fencing_mismatch", detail: "too old" };
    told.tell({ kind: "actFailed", failure });
    expect(told.state.notice).toMatchObject({ text: "fencing_mismatch: too old", tone: "bad" });
  });
});

describe("time", () => {
  test("a server that goes away keeps its data and its age, and comes back", () => {
    const told = new Told().look();
    const failure = { code: "transport", detail: "gone" };
    told.tell({ kind: "lookFailed", server: 0, failure, nowMs: madeUpNowMs + 7_000 });
    expect(focused(told.state)).toMatchObject({ phase: "lost", failure, lookAtMs: madeUpNowMs });
    expect(focused(told.state).look?.leases).toHaveLength(12);
    told.look({}, madeUpNowMs + 9_000);
    expect(focused(told.state)).toMatchObject({ phase: "live", failure: undefined });
  });

  test("a pause holds events back and stops the clock; its end shows them", () => {
    const told = new Told().type("p").tell({ kind: "tick", nowMs: madeUpNowMs + 5_000 });
    expect(told.state.nowMs).toBe(madeUpNowMs);
    const events = madeUpEvents(4);
    told.tell({ kind: "happened", server: 0, events, tally: new Map(), skipped: 0 });
    expect(focused(told.state)).toMatchObject({ events: [], held: events });
    told.type("p");
    expect(focused(told.state)).toMatchObject({ events, held: [] });
    expect(told.asked()).toEqual([{ kind: "refresh" }]);
  });

  test("events are bounded, and what was missed is counted", () => {
    const told = new Told();
    for (let batch = 0; batch < 10; batch += 1) {
      const events = madeUpEvents(100, batch * 100);
      told.tell({ kind: "happened", server: 0, events, tally: new Map(), skipped: 5 });
    }
    expect(focused(told.state).events).toHaveLength(500);
    expect(focused(told.state).missed).toBe(50);
    expect(focused(told.state).events.at(-1)?.id).toBe("999");
  });

  test("on the newest event the eye follows, elsewhere it stays", () => {
    const happened = (count: number, from: number): DashboardEvent => ({
      kind: "happened",
      server: 0,
      events: madeUpEvents(count, from),
      tally: new Map(),
      skipped: 0,
    });
    const told = new Told().type("6").tell(happened(5, 0)).tell(happened(5, 5));
    expect(told.state.places.events.index).toBe(0);
    told.press("down", "down").tell(happened(3, 10));
    expect(told.state.places.events).toMatchObject({ index: 5, selectedId: "7" });
  });

  test("rates are what happened between two looks, for each second", () => {
    const told = new Told().look();
    const tally = new Map([["default/emails", { in: 10, out: 4 }]]);
    told.tell({ kind: "happened", server: 0, events: [], tally, skipped: 0 });
    told.look({}, madeUpNowMs + 2_000);
    const rates = focused(told.state).rates.get("default/emails");
    expect(rates).toMatchObject({ inRate: 5, outRate: 2, samples: [7], in: 0, out: 0 });
    told.look({ queues: [] }, madeUpNowMs + 4_000);
    expect(focused(told.state).rates.size).toBe(0);
  });

  test("a notice goes away by itself", () => {
    const told = new Told().type("2y").tell({ kind: "tick", nowMs: madeUpNowMs + 3_999 });
    expect(told.state.notice).toBeDefined();
    told.tell({ kind: "tick", nowMs: madeUpNowMs + 4_000 });
    expect(told.state.notice).toBeUndefined();
  });
});

describe("several servers", () => {
  test("Tab goes round, and lists begin anew", () => {
    const told = new Told({ labels: ["a", "b", "c"] }).look({ leases: leases(30) }).type("2");
    told.press("pageDown", "tab");
    expect(told.state.focus).toBe(1);
    expect(told.state.places.keys.index).toBe(0);
    expect(told.press("backTab", "backTab").state.focus).toBe(2);
    expect(told.press("tab").state.focus).toBe(0);
  });

  test("Enter on a server shows its keys", () => {
    const told = new Told({ labels: ["a", "b"] }).press("down", "enter");
    expect(told.state).toMatchObject({ focus: 1, screen: "keys" });
  });
});
