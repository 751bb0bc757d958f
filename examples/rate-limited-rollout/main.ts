/** Three workers and two slots; one worker dies on a host, and a sick host stops everything. */
import path from "node:path";
import { openLockd } from "lockd";
import { FencedTarget } from "../support/fenced-target.ts";
import { check, inPlace, Program, until } from "../support/place.ts";
import { everyMs, type Plan, planKey, slots } from "./plan.ts";

const worker = path.join(import.meta.dirname, "worker.ts");
const hosts = Array.from({ length: 8 }, (_, n) => `host-${n + 1}`);

await inPlace(async (directory) => {
  const good = path.join(directory, "good");
  const plan = await roll(good, { CRASH_ON: "host-3" });
  check([...plan.done].sort().join() === hosts.join(), "every host was updated");
  const pauses = plan.starts.slice(1).map((at, before) => at - (plan.starts[before] ?? 0));
  check(
    pauses.every((pause) => pause >= everyMs),
    "no two began sooner than allowed",
  );

  using fleet = new FencedTarget(`${good}-fleet.db`);
  const written = fleet.written();
  for (const slot of slots) {
    const events = written.filter(({ resource }) => resource === slot);
    const turns = events.filter(({ text }, at) => {
      const before = events[at - 1];
      if (text.startsWith("end")) return before?.text !== text.replace("end", "begin");
      return before?.text.startsWith("begin") && before.text !== text;
    });
    check(turns.length === 0, `in ${slot} one host came after the other`);
  }
  const begun = written.filter(({ text }) => text === "begin host-3").map(({ token }) => token);
  check(begun.length >= 2 && begun[0] !== begun[1], "what the dead worker left was begun again");

  const halted = await roll(path.join(directory, "bad"), { SICK: "host-2" });
  check(halted.halted === "host-2 is sick", "a sick host halts the rollout");
  check(halted.todo.length > 0, "and the others stay as they are");
});

/** Runs a rollout to its end and tells what became of the plan. */
async function roll(place: string, trouble: NodeJS.ProcessEnv): Promise<Plan> {
  const store = `disk://${place}`;
  await using lockd = await openLockd({ store });
  const begun: Plan = { todo: hosts, doing: {}, done: [], starts: [] };
  const request = { key: planKey, owner: "operator", ttlMs: 10_000 };
  await lockd.acquireForUpdate(request, async (lease) => await lease.save(begun));
  await using workers = new AsyncDisposableStack();
  const start = (name: string, env: NodeJS.ProcessEnv) =>
    workers.use(new Program(worker, [name, store, `${place}-fleet.db`], env));
  const running = ["ada", "bert"].map((name) => start(name, trouble));
  // Nobody else may crash: whoever comes later does the host that a dead one left.
  if (trouble.CRASH_ON !== undefined) {
    const said = `updates ${trouble.CRASH_ON} `;
    await until(said, () => running.some(({ output }) => output.includes(said)));
  }
  running.push(start("carl", { ...trouble, CRASH_ON: undefined }));
  const ends = await Promise.all(running.map((one) => one.end()));
  check(ends.at(-1) === 0, "the rollout came to its end");
  return await lockd.load<Plan>(planKey, { public: true });
}
