import { describe, expect, test } from "vitest";
import type { DashboardEvent, Effect, KeyPress } from "../../../src/tui/view-model/events.ts";
import { listRows } from "../../../src/tui/view-model/layout.ts";
import { lookRequest, questionOf } from "../../../src/tui/view-model/look-request.ts";
import { reduce } from "../../../src/tui/view-model/reduce.ts";
import { selectedRow } from "../../../src/tui/view-model/screen-keys.ts";
import {
  type DashboardState,
  focused,
  initialState,
  screenNames,
} from "../../../src/tui/view-model/state.ts";
import { madeUpEvents, madeUpLease, madeUpLook, madeUpNowMs } from "../support/made-up.ts";

/** A dashboard that is told events one after the other and remembers what it asked for. */
class Told {
  state: DashboardState;
  effects: Effect[] = [];

  constructor(more: { writable?: boolean; labels?: readonly string[] } = {}) {
    const { writable = false, labels = ["one"] } = more;
    const size = { columns: 80, rows: 23 };
    this.state = initialState({ labels, writable, refreshMs: 2_000, size, nowMs: madeUpNowMs });
  }

  tell(event: DashboardEvent): this {
    const { state, effects } = reduce(this.state, event);
    this.state = state;
    this.effects.push(...effects);
    return this;
  }

  /** Names of keys, or text. */
  press(...keys: readonly (KeyPress["name"] | { readonly text: string })[]): this {
    for (const key of keys) {
      const press =
        typeof key === "string" ? { name: key, text: "" } : { name: "character", ...key };
      this.tell({ kind: "key", press: press as KeyPress });
    }
    return this;
  }

  type(text: string): this {
    return this.press({ text });
  }

  look(more: Parameters<typeof madeUpLook>[0] = {}, nowMs = madeUpNowMs): this {
    const question = questionOf(lookRequest(this.state, 0));
    return this.tell({ kind: "looked", server: 0, look: madeUpLook(more), question, nowMs });
  }

  /** Effects since the last time they were asked for. */
  asked(): readonly Effect[] {
    return this.effects.splice(0);
  }

  get selected(): string {
    const row = selectedRow(this.state);
    return row?.kind === "lease" ? row.lease.key : (row?.kind ?? "nothing");
  }
}

const leases = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => madeUpLease(from + at));

describe("screens", () => {
  test("numbers and arrows choose a screen, around the ends", () => {
    const told = new Told();
    screenNames.forEach((name, at) => {
      expect(told.type(String(at + 1)).state.screen).toBe(name);
    });
    expect(told.press("right").state.screen).toBe("overview");
    expect(told.press("left").state.screen).toBe("events");
    expect(told.type("7").state.screen).toBe("events");
  });

  test("q and Ctrl-C quit, Ctrl-C also out of an input line and a question", () => {
    expect(new Told().type("q").asked()).toEqual([{ kind: "quit" }]);
    expect(new Told().type("/").press("interrupt").asked()).toContainEqual({ kind: "quit" });
    const asking = new Told({ writable: true }).look().type("2R");
    expect(asking.state.overlay?.kind).toBe("confirm");
    expect(asking.press("interrupt").asked()).toContainEqual({ kind: "quit" });
  });

  test("a q in an input line is a letter", () => {
    const told = new Told().type("/q");
    expect(told.state.input?.text).toBe("q");
    expect(told.asked()).not.toContainEqual({ kind: "quit" });
  });
});

describe("lists", () => {
  test("arrows and letters move, and stop at the ends", () => {
    const told = new Told().look({ leases: leases(40) }).type("2");
    expect(told.press("up").selected).toBe(madeUpLease(0).key);
    expect(told.press("down").type("j").selected).toBe(madeUpLease(2).key);
    expect(told.type("k").selected).toBe(madeUpLease(1).key);
    expect(told.press("end").selected).toBe(madeUpLease(39).key);
    expect(told.press("down").selected).toBe(madeUpLease(39).key);
    expect(told.type("g").selected).toBe(madeUpLease(0).key);
    expect(told.press("pageDown").state.places.keys.index).toBe(listRows(told.state));
  });

  test("the chosen row is always in the window, and the window is never past the end", () => {
    const told = new Told().look({ leases: leases(60) }).type("2");
    const height = listRows(told.state);
    const moves = ["down", "pageDown", "end", "up", "pageUp", "home"] as const;
    let seed = 7;
    for (let step = 0; step < 400; step += 1) {
      seed = (seed * 48_271) % 2_147_483_647;
      told.press(moves[seed % moves.length] ?? "down");
      const { index, top } = told.state.places.keys;
      expect(index).toBeGreaterThanOrEqual(top);
      expect(index).toBeLessThan(top + height);
      expect(top).toBeLessThanOrEqual(60 - height);
    }
  });

  test("the eye stays on its key when others come and go", () => {
    const told = new Told().look({ leases: leases(40) }).type("2");
    told.press("pageDown", "pageDown", "up");
    const before = told.selected;
    const { index, top } = told.state.places.keys;
    told.look({ leases: leases(40).slice(3) });
    expect(told.selected).toBe(before);
    expect(told.state.places.keys).toMatchObject({ index: index - 3, top: top - 3 });
  });

  test("when the key is gone, the eye is on what took its place", () => {
    const told = new Told()
      .look({ leases: leases(4) })
      .type("2")
      .press("down");
    told.look({ leases: [madeUpLease(0), madeUpLease(2), madeUpLease(3)] });
    expect(told.selected).toBe(madeUpLease(2).key);
    told.look({ leases: [] });
    expect(told.selected).toBe("nothing");
    expect(told.state.places.keys.index).toBe(0);
  });

  test("over the end of a window the next one is asked for, over its start the one before", () => {
    const told = new Told().look({ leases: leases(200), cursor: "200" }).type("2");
    told.press("end");
    expect(told.asked()).toEqual([]);
    told.press("down");
    expect(told.asked()).toEqual([{ kind: "refresh" }]);
    expect(lookRequest(told.state, 0).after).toBe("200");
    told.look({ leases: leases(50, 200) });
    expect(told.selected).toBe(madeUpLease(200).key);
    expect(focused(told.state).windows.at(-1)?.offset).toBe(200);
    told.press("up");
    expect(lookRequest(told.state, 0).after).toBeUndefined();
    told.look({ leases: leases(200), cursor: "200" });
    expect(told.selected).toBe(madeUpLease(199).key);
  });

  test("an answer to an older question is dropped", () => {
    const told = new Told().look({ leases: leases(3) });
    const question = questionOf(lookRequest(told.state, 0));
    told.type("2o");
    const late = madeUpLook({ leases: leases(9) });
    told.tell({ kind: "looked", server: 0, look: late, question, nowMs: madeUpNowMs });
    expect(focused(told.state).look?.leases).toHaveLength(3);
  });

  test("a window that has become empty is left", () => {
    const told = new Told().look({ leases: leases(200), cursor: "200" }).type("2");
    told.press("end", "down").look({ leases: [] });
    expect(lookRequest(told.state, 0).after).toBeUndefined();
  });

  test("a step through 100,000 rows touches a handful of them", () => {
    let reads = 0;
    const counted = new Proxy(leases(100_000), {
      get(target, name, receiver) {
        if (typeof name === "string" && /^\d+$/.test(name)) reads += 1;
        return Reflect.get(target, name, receiver) as unknown;
      },
    });
    const told = new Told().look({ leases: counted }).type("2");
    reads = 0;
    for (let step = 0; step < 1_000; step += 1) told.press("down");
    told.press("end", "pageUp", "home");
    expect(told.state.places.keys.index).toBe(0);
    expect(reads).toBeLessThan(10_000);
  });
});

describe("filter and commands", () => {
  test("a filter works while it is typed, Enter keeps it, Escape takes it away", () => {
    const told = new Told().look({ leases: leases(40) }).type("2/");
    told.type("000007");
    expect(told.selected).toBe(madeUpLease(7).key);
    expect(lookRequest(told.state, 0).filter).toBe("000007");
    expect(told.asked()).toContainEqual({ kind: "refresh" });
    told.press("enter");
    expect(told.state.input).toBeUndefined();
    expect(told.state.filters.keys).toBe("000007");
    told.press("escape");
    expect(told.state.filters.keys).toBe("");
    told.type("/worker-1").press("escape");
    expect(told.state.filters.keys).toBe("");
  });

  test("every screen has a filter of its own", () => {
    const told = new Told().look().type("3/emails").press("enter").type("4");
    expect(told.state.filters.transactions).toBe("");
    expect(told.type("3").selected).toBe("queue");
    expect(told.state.filters.queues).toBe("emails");
  });

  test("backspace on an empty line leaves it", () => {
    const told = new Told().type("/a").press("backspace", "backspace");
    expect(told.state.input).toBeUndefined();
  });

  test.each([
    ["queues", { screen: "queues" }],
    ["qu", {}],
    ["que", { screen: "queues" }],
    ["order name", { order: "name" }],
    ["ns billing default", { namespaces: ["billing", "default"] }],
    ["pause", { paused: true }],
  ])(":%s", (text, expected) => {
    const told = new Told().type(":").type(text).press("enter");
    expect(told.state).toMatchObject(expected);
    if (text === "qu") expect(told.state.notice?.text).toContain("one of queues, quit");
  });

  test(":q quits, nonsense is told, and what a command misses is told", () => {
    expect(new Told().type(":q").press("enter").asked()).toEqual([{ kind: "quit" }]);
    const notice = (text: string) =>
      new Told().type(":").type(text).press("enter").state.notice?.text ?? "";
    expect(notice("frobnicate")).toBe('unknown command "frobnicate": see ?');
    expect(notice("order sideways")).toContain("name or expiry");
    expect(notice("key")).toContain(":key orders");
    expect(notice("server 9")).toContain("there are 1 servers");
  });

  test(":key opens any key, in the namespace that is said", () => {
    const told = new Told().type(":key billing:a/b").press("enter");
    const subject = { kind: "key", namespace: "billing", key: "a/b" };
    expect(told.asked()).toEqual([{ kind: "detail", server: 0, subject }]);
  });
});

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
