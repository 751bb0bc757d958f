/** Updates hosts, within the limits of the plan. worker.ts NAME STORE FLEET */
import { setTimeout as pause } from "node:timers/promises";
import { isLeaseLost, type LeaseSession, LockdTimeoutError, openLockd } from "lockd";
import { FencedTarget, StaleToken } from "../support/fenced-target.ts";
import { everyMs, isOver, type Plan, planKey, slots } from "./plan.ts";

const [name = "", store = "", file = ""] = process.argv.slice(2);
/** For the example: die in the middle of this host, or find it sick afterwards. */
const { CRASH_ON: crashOn, SICK: sick } = process.env;

await using lockd = await openLockd({ store });
using fleet = new FencedTarget(file);

/** Changes the plan as its only holder. */
async function change<T>(work: (plan: Plan) => Promise<readonly [Plan, T]>): Promise<T> {
  const request = { key: planKey, owner: name, ttlMs: 10_000 };
  return await lockd.acquireForUpdate(request, async (lease) => {
    const [plan, result] = await work(await lease.load<Plan>());
    await lease.save(plan);
    return result;
  });
}

/** The host to update in this slot: what a dead worker left there, else the next one. */
async function begin(slot: string): Promise<string | undefined> {
  return await change(async (plan) => {
    const left = plan.doing[slot];
    const host = left ?? plan.todo[0];
    if (host === undefined || plan.halted !== undefined) return [plan, undefined] as const;
    // Whoever holds the plan waits here; nobody else can begin meanwhile.
    const notBefore = (plan.starts.at(-1) ?? 0) + everyMs;
    // A timer may fire a millisecond early by the clock: look again.
    while (Date.now() < notBefore) await pause(notBefore - Date.now());
    const starts = [...plan.starts, Date.now()];
    const todo = plan.todo.filter((other) => other !== host);
    const doing = { ...plan.doing, [slot]: host };
    return [{ ...plan, todo, doing, starts }, host] as const;
  });
}

async function finish(slot: string, host: string, healthy: boolean): Promise<void> {
  await change(async (plan) => {
    const { [slot]: _, ...doing } = plan.doing;
    const next = { ...plan, doing, done: [...plan.done, host] };
    return [healthy ? next : { ...next, halted: `${host} is sick` }, undefined] as const;
  });
}

/** The update itself, with the slot's token: whoever lost its slot is refused by the fleet. */
async function update(slot: LeaseSession, host: string): Promise<boolean> {
  fleet.append(slot.key, slot.fencingToken, `begin ${host}`);
  console.log(`${name} updates ${host} in ${slot.key} under token ${slot.fencingToken}`);
  if (host === crashOn) process.kill(process.pid, "SIGKILL");
  await pause(150, undefined, { signal: slot.signal });
  fleet.append(slot.key, slot.fencingToken, `end ${host}`);
  return host !== sick;
}

async function workIn(slot: LeaseSession): Promise<void> {
  const host = await begin(slot.key);
  if (host === undefined) return;
  await finish(slot.key, host, await update(slot, host));
}

/** The slot stayed taken for the whole wait; any other failure is one. */
function undefinedIfTaken(error: unknown): undefined {
  if (!(error instanceof LockdTimeoutError) || error.code !== "acquire_timeout") throw error;
}

for (let turn = 0; ; turn += 1) {
  if (isOver(await lockd.load<Plan>(planKey, { public: true }))) break;
  const key = slots[turn % slots.length] ?? "";
  const request = { key, owner: name, ttlMs: 3_000, autoKeepAlive: true, waitMs: 1_000 };
  const slot = await lockd.acquire(request).catch(undefinedIfTaken);
  if (slot === undefined) continue; // try the other one
  try {
    await workIn(slot);
  } catch (error) {
    if (!slot.signal.aborted && !isLeaseLost(error) && !(error instanceof StaleToken)) throw error;
    console.log(`${name} lost ${slot.key}`);
  } finally {
    await slot.release({ rollback: true });
  }
}
