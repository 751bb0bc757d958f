/** Storms over real processes: `npm run storm -- --cycles 100`. Needs `npm run build` before. */
import { parseArgs } from "node:util";
import { counterStorm } from "./counter-storm.ts";
import { killStorm } from "./kill-storm.ts";
import { queueStorm } from "./queue-storm.ts";
import { transferStorm } from "./transfer-storm.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "10" },
    processes: { type: "string", default: "20" },
    rounds: { type: "string", default: "10" },
  },
});
const say = (text: string): void => console.log(`storm: ${text}`);
const storms = [
  () => killStorm({ cycles: Number(values.cycles), say }),
  () => transferStorm({ cycles: Number(values.cycles), say }),
  () => queueStorm({ cycles: Number(values.cycles), say }),
  () => counterStorm({ processes: Number(values.processes), rounds: Number(values.rounds) }),
];
let failed = 0;
for (const storm of storms) {
  try {
    say(await storm());
  } catch (error) {
    failed += 1;
    say(`FAILED: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
console.log(`storms: ${storms.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
