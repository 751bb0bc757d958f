/** Copies rows in batches, and goes on where the last one stopped. worker.ts STORE TARGET */
import { openLockd } from "lockd";
import { FencedTarget, StaleToken } from "../support/fenced-target.ts";
import { source, transformed } from "./source.ts";

const [store = "", file = ""] = process.argv.slice(2);
/** For the example: die after this batch was written and before its checkpoint is. */
const crashAt = Number(process.env.CRASH_AT ?? -1);
const rowsInBatch = 100;

await using lockd = await openLockd({ store });
using target = new FencedTarget(file);
const request = { key: "etl/daily", owner: `etl-${process.pid}`, ttlMs: 3_000 };

/** One batch and its checkpoint. False: nothing is left. */
async function copyBatch(): Promise<boolean> {
  return await lockd.acquireForUpdate(request, async (lease) => {
    const { next } = await lease.loadOr({ next: 0 });
    const batch = source.slice(next, next + rowsInBatch);
    if (batch.length === 0) return false;
    const text = JSON.stringify(batch.map(transformed));
    // Lost meanwhile: throw now instead of being refused later.
    lease.signal.throwIfAborted();
    target.put(`batch ${next}`, lease.session.fencingToken, text);
    if (next === crashAt) process.kill(process.pid, "SIGKILL");
    // Committed when this function returns; a crash before that repeats this batch and no other.
    await lease.save({ next: next + batch.length });
    const { fencingToken } = lease.session;
    console.log(`rows ${next} to ${next + batch.length - 1} under token ${fencingToken}`);
    return true;
  });
}

for (;;) {
  try {
    if (!(await copyBatch())) break;
  } catch (error) {
    // Frozen for longer than the lease: somebody else wrote meanwhile. Start from the checkpoint.
    if (!(error instanceof StaleToken)) throw error;
    console.log(`refused: ${error.message}`);
  }
}
