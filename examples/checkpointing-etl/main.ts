/** The worker dies in the middle; two others finish, without a gap and without starting over. */
import path from "node:path";
import { openLockd } from "lockd";
import { FencedTarget } from "../support/fenced-target.ts";
import { check, inPlace, Program } from "../support/place.ts";
import { source, transformed } from "./source.ts";

const worker = path.join(import.meta.dirname, "worker.ts");

await inPlace(async (directory) => {
  const file = path.join(directory, "warehouse.db");
  const store = `disk://${path.join(directory, "store")}`;
  await using first = new Program(worker, [store, file], { CRASH_AT: "300" });
  check((await first.end()) === "SIGKILL", "the first worker died after three batches and a half");

  await using second = new Program(worker, [store, file]);
  await using third = new Program(worker, [store, file]);
  check((await second.end()) === 0 && (await third.end()) === 0, "two others end well");

  using target = new FencedTarget(file);
  const rows = target
    .written()
    .sort((one, other) => start(one.resource) - start(other.resource))
    .flatMap(({ text }) => JSON.parse(text) as number[]);
  check(rows.length === source.length, "every row is there once");
  check(
    rows.every((row, at) => row === transformed(at)),
    "and is what it should be",
  );
  check(!/rows [0-2]00 /.test(second.output + third.output), "what was done was not done again");
  check(/rows 300 /.test(second.output + third.output), "the batch without checkpoint was");

  await using lockd = await openLockd({ store });
  const { next } = await lockd.load<{ next: number }>("etl/daily", { public: true });
  check(next === source.length, "the checkpoint stands at the end");
});

function start(resource: string): number {
  return Number(resource.split(" ")[1]);
}
