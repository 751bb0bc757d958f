/** Seeded bugs of attachments. */
import type { Plan, Store } from "../../src/engine/ports/store.ts";
import type { KeyRecord } from "../../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../../src/engine/record/record-codec.ts";
import { referencedObjects } from "../../src/engine/record/record-objects.ts";
import type { Mutant } from "./mutant.ts";
import { withApply } from "./with-apply.ts";

interface Change {
  readonly name: string;
  readonly before: KeyRecord;
  readonly after: KeyRecord;
  readonly writeId: string;
}

/** The change of a record that a plan makes; undefined when it makes the record. */
async function changeOf(store: Store, plan: Plan): Promise<Change | undefined> {
  const step = plan[0];
  if (step?.kind !== "put") return undefined;
  const stored = await store.get(step.name);
  if (stored === undefined) return undefined;
  const { record, writeId } = decodeRecord(step.name, step.bytes);
  const before = decodeRecord(step.name, stored.bytes).record;
  return { name: step.name, before, after: record, writeId };
}

/** Tidies up first and writes the record then; a write that fails has nothing to go back to. */
function deletingEarly(store: Store): Store {
  return withApply(store, async (plan) => {
    const change = await changeOf(store, plan);
    if (change !== undefined) {
      const kept = new Set(referencedObjects(change.after));
      for (const object of referencedObjects(change.before)) {
        if (!kept.has(object)) await store.deleteStream(object);
      }
    }
    return store.apply(plan);
  });
}

/** Writes a commit with what was staged to go still in it. */
function forgettingDeletions(store: Store): Store {
  return withApply(store, async (plan) => {
    const change = await changeOf(store, plan);
    const step = plan[0];
    const going = change?.before.staged?.attachments?.deleted ?? [];
    const commits = change !== undefined && change.after.version > change.before.version;
    if (step?.kind !== "put" || !commits || going.length === 0 || change.before.staged?.removed) {
      return store.apply(plan);
    }
    const forgotten = change.before.attachments.filter(({ name }) => going.includes(name));
    const attachments = [...change.after.attachments, ...forgotten];
    const bytes = encodeRecord({ ...change.after, attachments }, change.writeId);
    return store.apply([{ ...step, bytes }]);
  });
}

/** Shows everybody what only its holder should see. */
function showingStaged(store: Store): Store {
  return withApply(store, async (plan) => {
    const change = await changeOf(store, plan);
    const step = plan[0];
    const upserts = change?.after.staged?.attachments?.upserts ?? [];
    if (step?.kind !== "put" || change === undefined || upserts.length === 0) {
      return store.apply(plan);
    }
    const names = new Set(upserts.map(({ name }) => name));
    const others = change.after.attachments.filter(({ name }) => !names.has(name));
    const attachments = [...others, ...upserts];
    const bytes = encodeRecord({ ...change.after, attachments }, change.writeId);
    return store.apply([{ ...step, bytes }]);
  });
}

export const fileMutants: readonly Mutant[] = [
  {
    name: "payload deleted too early",
    bug: "payloads are deleted before the record that drops them is durable",
    store: deletingEarly,
  },
  {
    name: "forgotten deletion",
    bug: "a commit keeps the attachments that were staged to go",
    store: forgettingDeletions,
  },
  {
    name: "staged attachment shown",
    bug: "an upload is in the committed list before its commit",
    store: showingStaged,
  },
];
