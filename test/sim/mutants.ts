/** The seeded bugs which the simulator must find within its usual budget. */
import { WaitingRoom } from "../../src/engine/lease/waiting-room.ts";
import {
  type Plan,
  type Store,
  type StoredObject,
  StoreFailure,
  type VersionTag,
} from "../../src/engine/ports/store.ts";
import { fileMutants } from "./file-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { type Apply, withApply } from "./with-apply.ts";

function unconditional(plan: Plan): Plan {
  return plan.map((step) => ({ ...step, when: { kind: "any" } }));
}

/** Answers as soon as it has the bytes in memory; writes them out afterwards. */
function acknowledgingEarly(store: Store): Store {
  const memory = new Map<string, StoredObject>();
  let count = 0;
  const get: Store["get"] = async (name) => memory.get(name) ?? store.get(name);
  const apply: Apply = async (plan) => {
    const step = plan[0];
    if (step === undefined || step.kind !== "put") return store.apply(plan);
    const tag = (await get(step.name))?.tag;
    const { when } = step;
    const holds =
      when.kind === "any" || (when.kind === "absent" ? tag === undefined : when.tag === tag);
    if (!holds) return { kind: "conflict", step: 0 };
    count += 1;
    const early = `early-${count}` as VersionTag;
    memory.set(step.name, { bytes: step.bytes, tag: early });
    void store.apply(unconditional(plan)).catch(() => undefined);
    return { kind: "applied", tags: [early] };
  };
  return withApply(store, apply, get);
}

/** Loses a race and writes once more on the fresh version, without deciding again. */
function notDecidingAgain(store: Store): Store {
  return withApply(store, async (plan) => {
    const result = await store.apply(plan);
    return result.kind === "conflict" ? store.apply(unconditional(plan)) : result;
  });
}

function guessing(store: Store): Store {
  return withApply(store, async (plan) => {
    const result = await store.apply(plan);
    if (result.kind !== "unknown") return result;
    throw new StoreFailure("unavailable", "no answer, so surely nothing happened");
  });
}

function withoutWaking(): () => void {
  const { wake, wakeAll } = WaitingRoom.prototype;
  WaitingRoom.prototype.wake = () => {};
  WaitingRoom.prototype.wakeAll = () => {};
  return () => {
    WaitingRoom.prototype.wake = wake;
    WaitingRoom.prototype.wakeAll = wakeAll;
  };
}

export const mutants: readonly Mutant[] = [
  {
    name: "acknowledge before durable",
    bug: "a write is answered when it is in memory, not when it is on disk",
    store: acknowledgingEarly,
  },
  {
    name: "token check outside the write",
    bug: "the record is checked, then written without a condition",
    store: (store) => withApply(store, (plan) => store.apply(unconditional(plan))),
  },
  {
    name: "expiry by the wrong clock",
    bug: "expiry is written and judged by the time since the process's origin",
    clock: (clock) => ({
      wallMs: () => clock.monotonicMs() as unknown as ReturnType<typeof clock.wallMs>,
      monotonicMs: () => clock.monotonicMs(),
      schedule: (delayMs, run) => clock.schedule(delayMs, run),
    }),
  },
  {
    name: "lost wake-up",
    bug: "nobody tells the line that a key was released",
    install: withoutWaking,
  },
  {
    name: "forgotten re-decision",
    bug: "who loses a compare-and-swap writes the old decision on the new version",
    store: notDecidingAgain,
  },
  {
    name: "guessed outcome",
    bug: "a write that was not answered is taken for one that did not happen",
    store: guessing,
  },
  ...fileMutants,
];
