/** One of many inline processes that count under a lease. Arguments: directory, rounds. */
import { openLockd } from "../../src/index.ts";

const [directory = "", rounds = "1"] = process.argv.slice(2);
const lockd = await openLockd({ store: `disk://${directory}` });
for (let round = 0; round < Number(rounds); round += 1) {
  const lease = await lockd.acquire({ key: "counter", owner: `p${process.pid}`, ttlMs: 30_000 });
  const { n } = await lease.loadOr({ n: 0 });
  await lease.save({ n: n + 1 });
  await lease.release();
}
await lockd.close();
