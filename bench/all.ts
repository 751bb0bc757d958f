/** Every figure of docs/performance.md: `npm run build && npm run bench`. */
import { spawnSync } from "node:child_process";
import path from "node:path";

for (const name of [
  "lease-cycle",
  "reads",
  "large-state",
  "attachments",
  "mutate",
  "txn",
  "txn-http",
  "many",
  "journal",
  "start",
  "tui",
  "compact",
  "overview",
  "queue",
  "query-scan",
  "lql",
  "index",
  "index-writers",
  "peers",
  "queue-http",
]) {
  console.log(`== ${name}`);
  const file = path.join(import.meta.dirname, `${name}.ts`);
  spawnSync(process.execPath, ["--no-warnings", file], { stdio: "inherit" });
}
