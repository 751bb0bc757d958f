/** A lint exception is rare and says why. */
import type { Finding, SourceModule } from "./source-tree.ts";

const suppression = /(biome-ignore|@ts-ignore|@ts-expect-error|@ts-nocheck|v8 ignore)(.*)$/;
const withReason = /^[^\n]*(?::| -- )\s*\S.{9,}$/;

export function exceptionFindings(modules: readonly SourceModule[]): Finding[] {
  return modules.flatMap(({ file, text }) =>
    text.split("\n").flatMap((line, at) => {
      const match = suppression.exec(line);
      if (match === null || file.startsWith("scripts/house-rules/")) return [];
      const reasoned = match[1] === "biome-ignore" && withReason.test(match[2] ?? "");
      const inTest = file.startsWith("test/") && match[1] === "@ts-expect-error";
      if (reasoned || inTest) return [];
      const message = `${match[1]} needs a reason, or another way`;
      return [{ file, line: at + 1, rule: "exception", message }];
    }),
  );
}
