/** The seeded bugs of joint transactions over keys, attachments and messages. */
import type { Plan, Step, Store } from "../../../src/engine/ports/store.ts";
import { MessageParticipants } from "../../../src/engine/queue/message-participants.ts";
import { type KeyRecord, recordPrefix } from "../../../src/engine/record/key-record.ts";
import { decodeRecord, encodeRecord } from "../../../src/engine/record/record-codec.ts";
import { Applier } from "../../../src/engine/txn/applier.ts";
import type { Mutant } from "../mutant.ts";
import { withApply } from "../with-apply.ts";

type PutStep = Extract<Step, { kind: "put" }>;

function isRecord(step: Step): step is PutStep {
  return step.kind === "put" && step.name.startsWith(recordPrefix);
}

/** Every record of a plan is written as `other` would have it. */
function withRecords(
  store: Store,
  other: (next: KeyRecord, before: KeyRecord) => KeyRecord,
): Store {
  const changed = async (step: Step): Promise<Step> => {
    if (!isRecord(step)) return step;
    const stored = await store.get(step.name);
    if (stored === undefined) return step;
    const { record, writeId } = decodeRecord(step.name, step.bytes);
    const next = other(record, decodeRecord(step.name, stored.bytes).record);
    return { ...step, bytes: encodeRecord(next, writeId) };
  };
  return withApply(store, async (plan: Plan) => {
    const steps: Step[] = [];
    for (const step of plan) steps.push(await changed(step));
    return store.apply(steps);
  });
}

/** What is staged to come is committed at once. */
function promotedEarly(next: KeyRecord): KeyRecord {
  const upserts = next.staged?.attachments?.upserts ?? [];
  if (upserts.length === 0) return next;
  const names = new Set(upserts.map(({ name }) => name));
  const others = next.attachments.filter(({ name }) => !names.has(name));
  return { ...next, attachments: [...others, ...upserts] };
}

/** A commit that forgets what was staged to go. */
function deletionsForgotten(next: KeyRecord, before: KeyRecord): KeyRecord {
  const going = before.staged?.attachments?.deleted ?? [];
  if (next.version === before.version || going.length === 0) return next;
  const forgotten = before.attachments.filter(({ name }) => going.includes(name));
  return { ...next, attachments: [...next.attachments, ...forgotten] };
}

function isMessage({ key }: { readonly key: string }): boolean {
  return key.includes("/msg/");
}

function skippingMessages(when: (isTolerant: boolean) => boolean): () => void {
  const { prototype } = Applier;
  const { apply } = prototype;
  prototype.apply = async function (decided, participants, isTolerant) {
    const skipped = when(isTolerant) ? participants.filter(isMessage) : [];
    const others = participants.filter((one) => !skipped.includes(one));
    const report = await apply.call(this, decided, others, isTolerant);
    return { ...report, done: [...report.done, ...skipped] };
  };
  return () => {
    prototype.apply = apply;
  };
}

export const bankMutants: readonly Mutant[] = [
  {
    name: "attachment promoted before the decision",
    bug: "an upload stands in the committed list while its transaction is still open",
    store: (store) => withRecords(store, promotedEarly),
  },
  {
    name: "deletion forgotten by the commit",
    bug: "a commit of several keys keeps attachments that were staged to go",
    store: (store) => withRecords(store, deletionsForgotten),
  },
  {
    name: "ack applied on rollback",
    bug: "a message is settled whichever way its transaction was decided",
    install: () => {
      const { prototype } = MessageParticipants;
      const { apply } = prototype;
      prototype.apply = function (participant, decided) {
        const state = isMessage(participant) ? ("commit" as const) : decided.state;
        return apply.call(this, participant, { ...decided, state });
      };
      return () => {
        prototype.apply = apply;
      };
    },
  },
  {
    name: "message forgotten by the commit",
    bug: "messages are taken for settled as soon as the keys are through",
    install: () => skippingMessages(() => true),
  },
];

/** Only shows when a process dies in the one moment: `test/sim/crash` dies there. */
export const recoveryMutant: Mutant = {
  name: "recovery skips the message",
  bug: "whoever finishes a decision for a process that died takes its messages for settled",
  install: () => skippingMessages((isTolerant) => isTolerant),
};
