/** Books payments from a queue into accounts: each exactly once. worker.ts NAME STORE */
import { isLeaseLost, isRetryable, openLockd } from "lockd";

const [name = "", store = ""] = process.argv.slice(2);
/** For the example: die in the middle of the booking after so many. */
const crashAfter = Number(process.env.CRASH_AFTER ?? Number.POSITIVE_INFINITY);

interface Account {
  readonly cents: number;
  readonly bookings: number;
}

await using lockd = await openLockd({ store });
let booked = 0;

/** One payment. The message goes, and the account changes, in one step or not at all. */
async function book(): Promise<boolean> {
  return await lockd.transaction(
    async (tx) => {
      const message = await tx.dequeue("payments", { waitMs: "none" });
      if (message === null) return false;
      const { account, cents } = await message.payload.json<{ account: string; cents: number }>();
      const key = await tx.acquire(`accounts/${account}`);
      const before = await key.loadOr<Account>({ cents: 0, bookings: 0 });
      await key.save({ cents: before.cents + cents, bookings: before.bookings + 1 });
      if (booked >= crashAfter) {
        console.log(`${name} dies`);
        process.kill(process.pid, "SIGKILL");
      }
      return true;
    },
    { owner: name, ttlMs: 3_000, retries: 3 },
  );
}

/** True when nobody has a message any more, dead workers included. */
async function queueIsEmpty(): Promise<boolean> {
  for await (const { queue, ready, delayed, inFlight } of lockd.queues.list()) {
    if (queue === "payments" && ready + delayed + inFlight > 0) return false;
  }
  return true;
}

for (;;) {
  try {
    if (await book()) booked += 1;
    else if (await queueIsEmpty()) break;
    else await new Promise((resolve) => setTimeout(resolve, 100));
  } catch (error) {
    // Rolled back: the message is back in the queue, and the account as it was.
    if (!isRetryable(error) && !isLeaseLost(error)) throw error;
  }
}
console.log(`${name} booked ${booked}`);
