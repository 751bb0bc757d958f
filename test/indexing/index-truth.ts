import { expect } from "vitest";
import { decodeRecord } from "../../src/engine/record/record-codec.ts";
import { compileSelector } from "../../src/lql/match/compile-selector.ts";
import { checkSelector } from "../../src/lql/selector/check-selector.ts";
import { parseSelector } from "../../src/lql/selector/parse-selector.ts";
import type { IndexedStore } from "../engine/query/index/indexed-store.ts";

const texts = [
  "/round>=1",
  "/at=3",
  "/round<9,/at>2",
  "icontains{f=/text,v='ROUND 1'}",
  "/owner=a",
];

/** What a scan of the store finds: the documents of all keys. */
async function scanned({ store }: IndexedStore): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  let after = "k/default/";
  for (let more = true; more; ) {
    const page = await store.scan("k/default/", { after, limit: 100 });
    for (const { name, bytes } of page.objects) {
      const place = decodeRecord(name, bytes).record.state?.place;
      if (place === undefined) continue;
      const parts: Uint8Array[] = [];
      if (place.kind === "inline") parts.push(place.bytes);
      else {
        for await (const part of (await store.getStream(place.name))?.body ?? []) parts.push(part);
      }
      found.set(name.slice("k/default/".length), Buffer.concat(parts));
    }
    after = page.objects.at(-1)?.name ?? after;
    more = page.more;
  }
  return found;
}

/** The index is up to date: it finds whatever a scan finds, and narrows. Answers the documents. */
export async function expectIndexEqualsScan(indexed: IndexedStore): Promise<number> {
  const documents = await scanned(indexed);
  let candidates = 0;
  for (const text of texts) {
    const selector = checkSelector(parseSelector(text));
    const matcher = compileSelector(selector, { nowMs: 0 });
    const found = await indexed.candidates("default", selector, 17);
    candidates += found.length;
    expect(found).toEqual([...new Set(found)].sort());
    const matching = [...documents].filter(([, bytes]) => matcher.matches(bytes));
    const missed = matching.map(([key]) => key).filter((key) => !found.includes(key));
    expect({ text, missed }).toEqual({ text, missed: [] });
    expect(found.filter((key) => !documents.has(key))).toEqual([]);
  }
  if (documents.size > 20) expect(candidates).toBeLessThan(documents.size * texts.length);
  return documents.size;
}
