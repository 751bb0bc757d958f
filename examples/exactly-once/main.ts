/** Thirty payments, three workers, two of which die in the middle: every cent is there, once. */
import path from "node:path";
import { openLockd } from "lockd";
import { check, inPlace, Program } from "../support/place.ts";

const worker = path.join(import.meta.dirname, "worker.ts");
const accounts = ["ada", "bert", "carl"];
const payments = Array.from({ length: 30 }, (_, n) => ({
  account: accounts[n % accounts.length] ?? "",
  cents: 100 + n,
}));

await inPlace(async (directory) => {
  const store = `disk://${path.join(directory, "store")}`;
  await using lockd = await openLockd({ store });
  for (const payment of payments) await lockd.enqueue("payments", JSON.stringify(payment));

  await using workers = new AsyncDisposableStack();
  const start = (name: string, env: NodeJS.ProcessEnv = {}) =>
    workers.use(new Program(worker, [name, store], env));
  const mortal = [start("one", { CRASH_AFTER: "2" }), start("two", { CRASH_AFTER: "4" })];
  for (const one of mortal) check((await one.end()) === "SIGKILL", "a worker died while booking");
  const last = start("three");
  check((await last.end()) === 0, "the last worker books the rest");

  for (const account of accounts) {
    const mine = payments.filter((payment) => payment.account === account);
    const cents = mine.reduce((sum, payment) => sum + payment.cents, 0);
    const booked = await lockd.load<object>(`accounts/${account}`, { public: true });
    const expected = JSON.stringify({ cents, bookings: mine.length });
    check(JSON.stringify(booked) === expected, `${account} has ${expected}`);
  }
});
