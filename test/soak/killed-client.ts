/**
 * A client that is killed in the middle of a transaction: it holds two keys and a message, has
 * staged a state, and is sending an attachment that never ends. Arguments: port, number.
 */
import { HttpLockd } from "../../src/client/http-lockd.ts";
import { ordersQueue, sharedKey, soakTxnId } from "./soak-names.ts";

const [port = "", number = "0"] = process.argv.slice(2);
const lockd = new HttpLockd({ endpoints: `http://127.0.0.1:${port}`, failureRetries: 0 });
const txnId = soakTxnId(Number(number));
const owner = `killed-${number}`;
const leases = [];
for (const at of [0, 1]) {
  const key = sharedKey("killed", at);
  leases.push({ ...(await lockd.acquire({ key, owner, txnId, blockSeconds: 20 })), key });
}
await lockd.queues.dequeue({ queue: ordersQueue, owner, txnId, waitSeconds: -1 }).catch(() => []);
for (const lease of leases) await lockd.update(lease, Buffer.from(`{"by":"${owner}"}`));
process.send?.("working");

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield new Uint8Array(64 * 1024);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
const [first] = leases;
await lockd.attachments.attach({ ...first, name: "endless" }, endless());
