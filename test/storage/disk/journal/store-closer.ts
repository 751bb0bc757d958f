/**
 * A process that closes its store while segments are still to be moved, and has nothing else that
 * keeps it alive. Argument: the directory.
 */
import { openStore } from "../../../../src/storage/open.ts";

const [directory = ""] = process.argv.slice(2);
const store = await openStore(`disk://${directory}`, { gear: "exclusive" });
const when = { kind: "any" } as const;
for (let batch = 0; batch < 12; batch += 1) {
  const puts = Array.from({ length: 200 }, (_, n) =>
    store.apply([
      { kind: "put", name: `n/${batch}-${n}`, bytes: Buffer.alloc(8_000, batch), when },
    ]),
  );
  await Promise.all(puts);
}
await store.close();
process.stdout.write("closed\n");
