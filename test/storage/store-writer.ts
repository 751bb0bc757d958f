/**
 * A process that writes to a store until it is killed, and says on stdout what was acknowledged.
 * Arguments: directory, gear, first number.
 */
import { randomBytes } from "node:crypto";
import type { Gear } from "../../src/storage/open.ts";
import { openStore } from "../../src/storage/open.ts";

const [directory = "", gear = "shared", first = "0"] = process.argv.slice(2);
const store = await openStore(`disk://${directory}`, { gear: gear as Gear });
process.stdout.write("ready\n");
const names = 16;
for (let number = Number(first); ; number += names) {
  await Promise.all(
    Array.from({ length: names }, async (_, lane) => {
      const bytes = Buffer.concat([Buffer.from(`${number + lane}:`), randomBytes(200)]);
      const when = { kind: "any" } as const;
      const result = await store.apply([{ kind: "put", name: `n/${lane}`, bytes, when }]);
      if (result.kind === "applied") process.stdout.write(`${lane} ${number + lane}\n`);
    }),
  );
}
