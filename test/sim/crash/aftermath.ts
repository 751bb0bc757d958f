/** What the store may hold after the story, however often it was interrupted. */
import type { KeyRecord } from "../../../src/engine/record/key-record.ts";
import { recordName } from "../../../src/engine/record/key-record.ts";
import { decodeRecord } from "../../../src/engine/record/record-codec.ts";
import { leftoversIn, type StoreContent } from "../leftovers.ts";
import type { StoreTruth } from "../store-truth.ts";
import { storyKeys } from "./story.ts";

export interface AftermathTerms {
  readonly when: string;
  readonly mayCommit: boolean;
  /** The client was told so. */
  readonly mustCommit: boolean;
  /** Its lease was over before the decision could reach it: then it is delivered again. */
  readonly messageMayStay: boolean;
}

/** Each part of the transaction: has it happened? */
interface Fate {
  readonly parts: ReadonlyMap<string, boolean>;
  readonly messageGone: boolean;
  readonly committed: boolean;
}

export function fateOf(truth: StoreTruth): Fate {
  const a = recordOf(truth, "a");
  const b = recordOf(truth, "b");
  const names = a?.attachments.map(({ name }) => name) ?? [];
  const parts = new Map([
    ["a's state", a?.version === 2 && a.state?.place.kind === "inline"],
    ["a's new attachment", names.includes("new")],
    ["a's old attachment gone", !names.includes("old")],
    ["b's state", b?.version === 2],
    ["b's metadata", b?.queryHidden === true],
  ]);
  const messageGone = truth.objects("m/").length === 0;
  return { parts, messageGone, committed: [...parts.values()].some((one) => one) };
}

/** All or nothing, and what was answered. */
export function aftermath(
  truth: StoreTruth,
  terms: AftermathTerms,
  before: ReadonlyMap<string, string>,
): readonly string[] {
  const found: string[] = [];
  const { parts, messageGone, committed } = fateOf(truth);
  const told = [...parts].map(([part, done]) => `${part}: ${done}`).join(", ");
  if (committed && [...parts.values()].includes(false)) found.push(`half of it: ${told}`);
  if (committed && !terms.mayCommit) found.push("committed, and nobody asked for it");
  if (!committed && terms.mustCommit) found.push("its commit was answered, and it is not there");
  if (messageGone && !committed) found.push("its message is gone, and nothing else happened");
  if (committed && !messageGone && !terms.messageMayStay) found.push("its message is still there");
  for (const key of storyKeys) {
    const record = recordOf(truth, key);
    if (record === undefined) found.push(`${key} is gone`);
    else found.push(...missingBytes(truth, key, record));
  }
  for (const name of before.keys()) {
    if (name.startsWith("m/") && !committed && !truth.durable.has(name)) {
      found.push(`${name} is lost`);
    }
  }
  return found.map((text) => `${terms.when}: ${text}`);
}

/** When nobody is at work and every age is over. */
export function leftovers(truth: StoreTruth): readonly string[] {
  return [...leftoversIn(contentOf(truth))];
}

export function contentOf(truth: StoreTruth): StoreContent {
  return { objects: truth.objects(""), streams: truth.streamNames("") };
}

/** Every object and stream, by what tells one version from another. */
export function snapshotOf(truth: StoreTruth): ReadonlyMap<string, string> {
  const all = new Map<string, string>();
  for (const { name, tag } of truth.objects("")) all.set(name, tag);
  for (const name of truth.streamNames("")) all.set(name, "stream");
  return all;
}

function recordOf(truth: StoreTruth, key: string): KeyRecord | undefined {
  const name = recordName("default", key);
  const stored = truth.durable.get(name);
  return stored === undefined ? undefined : decodeRecord(name, stored.bytes).record;
}

/** What is committed can be read. */
function missingBytes(truth: StoreTruth, key: string, record: KeyRecord): readonly string[] {
  const { state, attachments } = record;
  const objects = attachments.map(({ object }) => object);
  if (state?.place.kind === "object") objects.push(state.place.name);
  return objects
    .filter((object) => !truth.streams.has(object))
    .map((object) => `${key} points at ${object}, which is gone`);
}
