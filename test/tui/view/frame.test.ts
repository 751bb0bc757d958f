import { describe, expect, test } from "vitest";
import { asciiGlyphs, unicodeGlyphs } from "../../../src/tui/view/bars.ts";
import { cellWidth } from "../../../src/tui/view/cells.ts";
import { frameLines } from "../../../src/tui/view/frame.ts";
import { lineText } from "../../../src/tui/view/line.ts";
import { spokenLines } from "../../../src/tui/view/spoken.ts";
import type { DashboardEvent } from "../../../src/tui/view-model/events.ts";
import { lookRequest, questionOf } from "../../../src/tui/view-model/look-request.ts";
import { reduce } from "../../../src/tui/view-model/reduce.ts";
import {
  type DashboardState,
  initialState,
  type Overlay,
  screenNames,
} from "../../../src/tui/view-model/state.ts";
import { madeUpEvents, madeUpLease, madeUpLook, madeUpNowMs } from "../support/made-up.ts";

interface Made {
  readonly labels?: readonly string[];
  readonly columns?: number;
  readonly rows?: number;
  readonly look?: Parameters<typeof madeUpLook>[0];
}

function made({ labels = ["one"], columns = 80, rows = 23, look = {} }: Made = {}): DashboardState {
  const state = initialState({
    labels,
    writable: true,
    refreshMs: 2_000,
    size: { columns, rows },
    nowMs: madeUpNowMs,
  });
  const question = questionOf(lookRequest(state, 0));
  const events: readonly DashboardEvent[] = [
    { kind: "looked", server: 0, look: madeUpLook(look), question, nowMs: madeUpNowMs },
    { kind: "happened", server: 0, events: madeUpEvents(30), tally: new Map(), skipped: 0 },
  ];
  return events.reduce((before, event) => reduce(before, event).state, state);
}

function text(state: DashboardState): string {
  return frameLines({ state, glyphs: unicodeGlyphs }).map(lineText).join("\n");
}

const detail = {
  facts: [["held by", "x".repeat(300)]] as const,
  heading: "state",
  lines: Array.from({ length: 400 }, (_, at) => `${at} ${"y".repeat(at)}`),
};
const subject = { kind: "key", namespace: "n", key: "k".repeat(120) } as const;
const overlays: readonly (Overlay | undefined)[] = [
  undefined,
  { kind: "help", top: 0 },
  { kind: "confirm", action: { kind: "release", lease: madeUpLease(7) }, typed: "ye" },
  { kind: "detail", subject, detail, failure: undefined, top: 120 },
  { kind: "detail", subject, detail: undefined, failure: undefined, top: 0 },
  { kind: "detail", subject, detail: undefined, failure: { code: "c", detail: "d" }, top: 0 },
];

describe("every frame", () => {
  test.each(screenNames)("%s fits every window exactly", (screen) => {
    const labelSets = [["one"], ["http://a:1", "http://b:2", "an island with a long name"]];
    for (const columns of [39, 40, 57, 80, 100, 133, 160, 250]) {
      for (const rows of [9, 10, 14, 23, 49]) {
        for (const labels of labelSets) {
          for (const overlay of overlays) {
            const state = { ...made({ labels, columns, rows }), screen, overlay };
            const lines = frameLines({ state, glyphs: asciiGlyphs });
            expect(lines).toHaveLength(rows);
          }
        }
      }
    }
  });

  test.each(screenNames)("%s is never wider than a window of 80 or more", (screen) => {
    for (const columns of [80, 90, 100, 124, 146, 160, 250]) {
      for (const overlay of overlays) {
        const look = { leases: [madeUpLease(7, { key: "k".repeat(128), owner: "漢".repeat(60) })] };
        const state = { ...made({ columns, look }), screen, overlay };
        for (const line of frameLines({ state, glyphs: unicodeGlyphs })) {
          expect(cellWidth(lineText(line)), lineText(line)).toBeLessThanOrEqual(columns);
        }
      }
    }
  });

  test("holds rows that fit only, of however many there are", () => {
    let rows = 0;
    const leases = Array.from({ length: 1_000 }, (_, at) => madeUpLease(at)).map((lease) =>
      Object.defineProperty({ ...lease }, "owner", {
        get: () => {
          rows += 1;
          return "somebody";
        },
        enumerable: true,
      }),
    );
    const state = { ...made({ look: { leases } }), screen: "keys" } as const;
    rows = 0;
    text(state);
    expect(rows).toBeGreaterThan(10);
    expect(rows).toBeLessThan(23);
  });
});

describe("what is said", () => {
  test("before the first answer, without rows, and with a filter that fits nothing", () => {
    const fresh = initialState({
      labels: ["one"],
      writable: false,
      refreshMs: 2_000,
      size: { columns: 80, rows: 23 },
      nowMs: madeUpNowMs,
    });
    expect(text(fresh)).toContain("connecting");
    expect(text({ ...fresh, screen: "keys" })).toContain("no answer from the server yet");
    expect(text(fresh)).toContain("read-only");
    const none = made({ look: { leases: [] } });
    expect(text({ ...none, screen: "keys" })).toContain("no key is held");
    const filters = { ...none.filters, keys: "zz" };
    expect(text({ ...none, screen: "keys", filters })).toContain("that fits the filter");
  });

  test("a part that could not be had, with the others shown", () => {
    const trouble = [{ part: "queues", code: "queue_disabled", detail: "no queues here" }] as const;
    const state = made({ look: { trouble, queues: [] } });
    expect(text({ ...state, screen: "queues" })).toContain("queue_disabled: no queues here");
    expect(text({ ...state, screen: "keys" })).toContain("worker-1-4711");
  });

  test("trouble that lasts hides neither that it is paused nor the filter", () => {
    const trouble = [{ part: "transactions", code: "store_corrupt", detail: "one of 3" }] as const;
    const state = { ...made({ look: { trouble } }), screen: "transactions" } as const;
    const foot = (one: DashboardState): string => text(one).split("\n").slice(-3).join("\n");
    expect(foot(state)).toContain("store_corrupt: one of 3");
    expect(foot({ ...state, paused: true })).toContain("paused; p goes on");
    const filters = { ...state.filters, transactions: "default" };
    expect(foot({ ...state, filters })).toContain('filter "default"; Esc clears it');
  });

  test("a lost server: its error and the age of what is shown", () => {
    const failure = { code: "transport", detail: "connection refused" };
    const nowMs = madeUpNowMs + 65_000;
    const { state } = reduce(made(), { kind: "lookFailed", server: 0, failure, nowMs });
    expect(text(state)).toContain("not reachable, data 1m 05s old");
    expect(text({ ...state, screen: "keys" })).toContain("transport: connection refused");
    expect(text({ ...state, screen: "keys" })).toContain("ended");
  });

  test("time left counts down between two looks, and the bar with it", () => {
    const leases = [madeUpLease(1, { remainingMs: 10_000, acquiredAtUnix: madeUpNowMs / 1000 })];
    const state = { ...made({ look: { leases } }), screen: "keys" } as const;
    expect(text(state)).toContain("━━━━━ 10s");
    const { state: later } = reduce(state, { kind: "tick", nowMs: madeUpNowMs + 6_000 });
    expect(text(later)).toContain("━━─── 4s");
  });

  test("rates are shown where they are counted, and not made up where they are not", () => {
    const tally = new Map([["default/emails", { in: 12, out: 6 }]]);
    const question = questionOf(lookRequest(made(), 0));
    const nowMs = madeUpNowMs + 2_000;
    const events: readonly DashboardEvent[] = [
      { kind: "happened", server: 0, events: [], tally, skipped: 0 },
      { kind: "looked", server: 0, look: madeUpLook(), question, nowMs },
      { kind: "key", press: { name: "character", text: "3" } },
    ];
    const seen = (following: "yes" | "unavailable"): string => {
      const first: DashboardEvent = { kind: "following", server: 0, following };
      const all = [first, ...events];
      return text(all.reduce((state, event) => reduce(state, event).state, made({ columns: 100 })));
    };
    expect(seen("yes")).toMatch(/default\/emails .* 6\.0 +3\.0 +█/);
    expect(seen("unavailable")).toMatch(/default\/emails .* - +-\n/);
  });

  test("letters only for terminals that know no others", () => {
    const state = { ...made(), screen: "keys" } as const;
    const lines = frameLines({ state, glyphs: asciiGlyphs }).map(lineText).join("\n");
    expect(lines).toMatch(/^[\x20-\x7e\n]*$/);
  });

  test("sentences for screen readers name what the eye is on", () => {
    const state = { ...made(), screen: "queues" } as const;
    const sentences = spokenLines(state);
    expect(sentences).toContain("Row 1 of 4.");
    expect(sentences).toContain(
      "Selected: Queue default/emails: 1204 ready, 3 delayed, 8 in flight, 2 dead.",
    );
    for (const screen of screenNames) {
      for (const overlay of overlays) {
        const all = spokenLines({ ...state, screen, overlay }).join("\n");
        expect(all).not.toMatch(/[━─▁▸●│]/);
      }
    }
  });

  test("sentences do not change while nothing but time passes", () => {
    const { state } = reduce(made(), { kind: "tick", nowMs: madeUpNowMs + 30_000 });
    for (const screen of screenNames) {
      expect(spokenLines({ ...state, screen })).toEqual(spokenLines({ ...made(), screen }));
    }
  });
});
