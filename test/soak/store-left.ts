/** What a server left in its directory, read when it has ended. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { PageOptions, Store } from "../../src/engine/ports/store.ts";
import {
  type DedupeRecord,
  decodeLink,
  isForgettable,
} from "../../src/engine/queue/link-records.ts";
import { dedupePrefix, messagePrefix } from "../../src/engine/queue/message.ts";
import { openStore } from "../../src/storage/open.ts";
import { leftoversIn, type StoreContent } from "../sim/leftovers.ts";

const pageMax = 1_000;

/** Expired dedupe keys that say nothing. */
const expiredKeysSlack = 1_000;

/** A sentence for each thing that should not be there any more. */
export async function leftIn(directory: string): Promise<readonly string[]> {
  const store = await openStore(`disk://${directory}`, { gear: "exclusive", onNotice: () => {} });
  try {
    const content = await contentOf(store);
    const nowUnix = Math.floor(Date.now() / 1000);
    const found = [...leftoversIn(content, nowUnix)];
    for (const { name } of content.objects) {
      if (name.startsWith(messagePrefix)) found.push(`${name}: a message nobody can get at`);
    }
    found.push(...expiredKeysIn(content));
    for (const name of await unfinishedUploads(directory)) {
      found.push(`${name}: an upload that never ended`);
    }
    return found;
  } finally {
    await store.close();
  }
}

/** Dedupe keys go round and round behind enqueues: there may be as many that are over as not. */
function expiredKeysIn({ objects }: StoreContent): readonly string[] {
  const nowMs = Date.now();
  let [live, expired] = [0, 0];
  for (const { name, bytes } of objects) {
    if (!name.startsWith(dedupePrefix)) continue;
    if (isForgettable(decodeLink<DedupeRecord>(name, bytes), nowMs)) expired += 1;
    else live += 1;
  }
  if (expired <= live + expiredKeysSlack) return [];
  return [`${dedupePrefix}, beside ${live}: ${expired} dedupe keys are remembered for too long`];
}

async function contentOf(store: Store): Promise<StoreContent> {
  const objects: { name: string; bytes: Uint8Array }[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await store.scan("", pageOf(after));
    objects.push(...page.objects);
    after = page.objects.at(-1)?.name;
    more = page.more;
  }
  const streams: string[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await store.listStreams("", pageOf(after));
    streams.push(...page.names);
    after = page.next;
    more = page.next !== undefined;
  }
  return { objects, streams };
}

function pageOf(after: string | undefined): PageOptions {
  return after === undefined ? { limit: pageMax } : { after, limit: pageMax };
}

/** Files under their temporary names. */
async function unfinishedUploads(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(path.join(directory, "content", "tmp"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
