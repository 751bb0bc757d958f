/** Which failures are looked at again, and which never. */
import { expect, test } from "vitest";
import { type FileResult, secondLooksMax, unsafe, verdictOf } from "./verdict.ts";

const root = "/repo/test";

function failing(name: string, ...messages: readonly string[]): FileResult {
  return {
    name: `${root}/${name}`,
    status: "failed",
    assertionResults: [
      { fullName: "a case that passes", status: "passed" },
      ...messages.map((text, at) => ({
        fullName: `case ${at}`,
        status: "failed",
        failureMessages: [text],
      })),
    ],
  };
}

test("a few cases by the clock are looked at again, in their files", () => {
  const results = [failing("e2e/work.test.ts", "late"), failing("server/a.test.ts", "late")];
  expect(verdictOf(results, root)).toEqual({
    kind: "look again",
    files: ["/repo/test/e2e/work.test.ts", "/repo/test/server/a.test.ts"],
    cases: ["e2e/work.test.ts > case 0", "server/a.test.ts > case 0"],
  });
});

const many = Array.from({ length: secondLooksMax + 1 }, () => "late");

test.each([
  ["what knows no clock", [failing("engine/a.test.ts", "wrong")]],
  [
    "what knows no clock, beside what does",
    [failing("e2e/a.test.ts", "late"), failing("lql/b.test.ts", "wrong")],
  ],
  ["what is unsafe", [failing("e2e/work.test.ts", `Error: ${unsafe}two at once`)]],
  ["more than a few", [failing("e2e/work.test.ts", ...many)]],
  ["a file that cannot be loaded", [failing("e2e/work.test.ts")]],
  ["an error outside of the cases", [{ ...failing("e2e/a.test.ts"), status: "passed" }]],
])("%s is not", (_, results) => {
  expect(verdictOf(results, root).kind).toBe("failed");
});
