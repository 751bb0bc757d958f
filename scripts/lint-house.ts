/** The house rules: `npm run lint:house`. Prints findings; exits 1 when there are any. */
import path from "node:path";
import { engineFindings } from "./house-rules/engine-rules.ts";
import { exceptionFindings } from "./house-rules/exception-rules.ts";
import { importFindings } from "./house-rules/import-rules.ts";
import { sizeFindings } from "./house-rules/size-rules.ts";
import { readSources } from "./house-rules/source-tree.ts";

const root = path.join(import.meta.dirname, "..");
const modules = readSources(root, ["src", "test", "bench", "scripts", "examples"]);
const findings = [
  ...importFindings(modules),
  ...engineFindings(modules),
  ...sizeFindings(modules),
  ...exceptionFindings(modules),
];
for (const { file, line, rule, message } of findings) {
  console.log(`${file}:${line} ${rule}: ${message}`);
}
console.log(`house rules: ${modules.length} files, ${findings.length} findings`);
process.exitCode = findings.length === 0 ? 0 : 1;
