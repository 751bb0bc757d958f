import { describe, expect, test } from "vitest";
import { listRows } from "../../../src/tui/view-model/layout.ts";
import { lookRequest, questionOf } from "../../../src/tui/view-model/look-request.ts";
import { focused, screenNames } from "../../../src/tui/view-model/state.ts";
import { madeUpLease, madeUpLook, madeUpNowMs } from "../support/made-up.ts";
import { leases, Told } from "../support/told.ts";

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

  test("a command and its Enter that come in one piece are run", () => {
    const told = new Told().type(":order name\r");
    expect(told.state).toMatchObject({ input: undefined, order: "name" });
    expect(new Told().type(":keyx\u007fs\rj").state.screen).toBe("keys");
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
