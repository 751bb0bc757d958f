/** What every event does to the state. Pure: the outside world is asked for through effects. */
import type { DashboardEvent, Effect, Step } from "./events.ts";
import { changedAfterKey } from "./key-press.ts";
import { listRows } from "./layout.ts";
import { afterHappenings, afterLook, afterLookFailure } from "./looks.ts";
import { noticed } from "./notices.ts";
import { kept, placeAt } from "./place.ts";
import { rowsOf } from "./rows.ts";
import { changedServer, type DashboardState, type ScreenName, screenNames } from "./state.ts";

export function reduce(state: DashboardState, event: DashboardEvent): Step {
  switch (event.kind) {
    case "key":
      return changedAfterKey(state, event.press);
    case "resized": {
      const { columns, rows } = event;
      if (columns === state.size.columns && rows === state.size.rows) return still(state);
      return still(settled({ ...state, size: { columns, rows } }));
    }
    case "tick": {
      const { notice } = state;
      const isOver = notice !== undefined && event.nowMs >= notice.untilMs;
      // Ages stand still while paused, as everything else does.
      const nowMs = state.paused ? state.nowMs : event.nowMs;
      return still({ ...state, nowMs, notice: isOver ? undefined : notice });
    }
    case "looked":
      return still(settled(afterLook(state, event)));
    case "lookFailed":
      return still(afterLookFailure(state, event));
    case "happened":
      return still(settled(afterHappenings(state, event)));
    case "following":
      return still(
        changedServer(state, event.server, (server) => ({ ...server, following: event.following })),
      );
    case "detailed":
    case "detailFailed":
      return still(afterDetail(state, event));
    case "acted":
      return { state: noticed(state, event.text, "good"), effects: [{ kind: "refresh" }] };
    case "actFailed":
      return still(noticed(state, `${event.failure.code}: ${event.failure.detail}`, "bad"));
    case "copied":
      return still(noticed(state, `copied ${event.text}`, "plain"));
  }
}

function still(state: DashboardState, effects: readonly Effect[] = []): Step {
  return { state, effects };
}

/** Every place again on the row it was on, after lists or the window changed. */
export function settled(state: DashboardState): DashboardState {
  const height = listRows(state);
  const places = { ...state.places };
  for (const screen of screenNames) {
    const rows = rowsOf(state, screen);
    const place = state.places[screen];
    places[screen] = followsNewest(screen, place.index)
      ? placeAt(rows, 0, { top: 0, height })
      : kept(rows, place, height);
  }
  return { ...state, places };
}

/** On the newest event the eye stays on the newest event. */
function followsNewest(screen: ScreenName, index: number): boolean {
  return screen === "events" && index === 0;
}

function afterDetail(
  state: DashboardState,
  event: DashboardEvent & { readonly kind: "detailed" | "detailFailed" },
): DashboardState {
  const { overlay } = state;
  // An answer that comes after its window was closed or another one was opened.
  if (overlay?.kind !== "detail" || overlay.subject !== event.subject) return state;
  const answer =
    event.kind === "detailed"
      ? { detail: event.detail, failure: undefined }
      : { failure: event.failure };
  return { ...state, overlay: { ...overlay, ...answer } };
}
