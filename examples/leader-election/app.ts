/** One instance of an app of which exactly one leads. Usage: app.ts NAME STORE TARGET */
import { setTimeout as pause } from "node:timers/promises";
import { type LeaseSession, openLockd } from "lockd";
import { FencedTarget, StaleToken } from "../support/fenced-target.ts";

const [name = "", store = "", file = ""] = process.argv.slice(2);
const ending = new AbortController();
process.once("SIGTERM", () => ending.abort());

await using lockd = await openLockd({ store });
using target = new FencedTarget(file);

/** A wait that ended because its signal aborted is over; any other failure is one. */
const overWhen = (signal: AbortSignal) => (error: unknown) => {
  if (!signal.aborted) throw error;
  return undefined;
};

/** Works until the lease is lost, the target knows a later leader, or the app is told to end. */
async function lead(leader: LeaseSession): Promise<void> {
  const until = AbortSignal.any([leader.signal, ending.signal]);
  while (!until.aborted) {
    // Between the look at the signal and this write anything may happen: the token covers that.
    target.append("decisions", leader.fencingToken, name);
    await pause(50, undefined, { signal: until }).catch(overWhen(until));
  }
}

while (!ending.signal.aborted) {
  const request = { key: "app/leader", owner: name, ttlMs: 3_000, autoKeepAlive: true };
  const leader = await lockd.acquire(request, ending.signal).catch(overWhen(ending.signal));
  if (leader === undefined) break;
  console.log(`${name} leads with token ${leader.fencingToken}`);
  try {
    await lead(leader);
  } catch (error) {
    if (!(error instanceof StaleToken)) throw error;
    console.log(`${name} was refused: ${error.message}`);
  } finally {
    // Nothing is staged; a lease that is still ours goes to the next one at once.
    await leader.release({ rollback: true });
    console.log(`${name} steps down`);
  }
}
