/**
 * A process that commits documents and publishes them until it is killed: directory, gear, name,
 * rounds. Says after each publication how far it came.
 */

import type { Gear } from "../../src/storage/open.ts";
import { IndexedStore } from "../engine/query/index/indexed-store.ts";

const [directory = "", gear = "shared", name = "p", rounds = "1000000"] = process.argv.slice(2);
const indexed = await IndexedStore.onDisk(gear as Gear, directory);
const keys = 40;
for (let round = 1; round <= Number(rounds); round += 1) {
  const writes = Array.from({ length: 7 }, (_, at) => {
    const key = `${name}-${(round * 5 + at) % keys}`;
    const document = { round, at, owner: name, text: `text of round ${round} at ${at}` };
    return indexed.put(`default:${key}`, JSON.stringify(document), { apart: at === 3 });
  });
  await Promise.all(writes);
  if (round % 2 === 0) await indexed.index.flush("default");
  process.send?.(round);
}
await indexed.index.close();
await indexed.store.close();
