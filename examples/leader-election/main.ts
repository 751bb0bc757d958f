/** Three instances; the leader is killed, the next one frozen, and at no time do two decide. */
import path from "node:path";
import { FencedTarget } from "../support/fenced-target.ts";
import { check, inPlace, Program, until } from "../support/place.ts";

const names = ["ada", "bert", "carl"];
const app = path.join(import.meta.dirname, "app.ts");

await inPlace(async (directory) => {
  const file = path.join(directory, "decisions.db");
  const store = `disk://${path.join(directory, "store")}`;
  using target = new FencedTarget(file);
  await using instances = new AsyncDisposableStack();
  const running = names.map((name) => instances.use(new Program(app, [name, store, file])));

  /** Who decided under the token. */
  const leader = async (token: number): Promise<Program> => {
    const name = await until(`a decision under token ${token}`, () => {
      return target.written().find((decision) => decision.token === token)?.text;
    });
    const found = running[names.indexOf(name)];
    if (found === undefined) throw new Error(`nobody is called ${name}`);
    return found;
  };

  const first = await leader(1);
  first.send("SIGKILL");
  const second = await leader(2);
  check(second !== first, "when the leader dies another one leads");

  second.send("SIGSTOP"); // a frozen machine, a long pause of garbage collection
  const third = await leader(3);
  check(third !== second, "when the leader freezes another one leads");
  second.send("SIGCONT");
  await until("the frozen one steps down", () => second.output.includes("steps down"));

  for (const one of [second, third]) one.send("SIGTERM");
  check((await second.end()) === 0 && (await third.end()) === 0, "told to end, they end");

  const decisions = target.written();
  const inOrder = decisions.every(({ token }, at) => token >= (decisions[at - 1]?.token ?? 0));
  check(inOrder, "no decision of an old leader stands behind one of a newer");
  const pairs = new Set(decisions.map(({ token, text }) => `${token} ${text}`));
  check(
    pairs.size === new Set(decisions.map(({ token }) => token)).size,
    "one name for each token",
  );
  check(pairs.size >= 3, "three leaders decided");
});
