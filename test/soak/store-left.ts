/** What a server left in its directory, read when it has ended. */
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { PageOptions, Store } from "../../src/engine/ports/store.ts";
import { messagePrefix } from "../../src/engine/queue/message.ts";
import { openStore } from "../../src/storage/open.ts";
import { leftoversIn, type StoreContent } from "../sim/leftovers.ts";

const pageMax = 1_000;

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
    for (const name of await unfinishedUploads(directory)) {
      found.push(`${name}: an upload that never ended`);
    }
    return found;
  } finally {
    await store.close();
  }
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
