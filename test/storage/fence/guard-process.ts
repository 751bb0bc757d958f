/** Replaces a file under its guard, once with each token; refused ones are as they should be. */
import { writeFileSync } from "node:fs";
import { stageReplacement } from "../../../src/storage/fence/staged-replacement.ts";
import { checkFence } from "../../../src/storage/fence/token-guard.ts";

const [, , file = "", ...tokens] = process.argv;
writeFileSync(`${file}.ready`, "");
for (const token of tokens) {
  const content = async function* () {
    yield Buffer.from(token);
  };
  try {
    const replacement = await stageReplacement(file, content());
    await checkFence({ file, token: Number(token), replacement }, new Date());
  } catch (error) {
    if ((error as { code?: string }).code !== "fencing_token_stale") throw error;
    const { rmSync } = await import("node:fs");
    rmSync(`${file}.tmp-${process.pid}`, { force: true });
  }
}
