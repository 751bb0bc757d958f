import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LqlSyntaxError } from "../../../src/api/errors.ts";
import { blockDepthMax, wildcardSegmentsMax } from "../../../src/lql/mutation/limits.ts";
import { parseMutations } from "../../../src/lql/mutation/parse-mutations.ts";
import { printMutation } from "../../../src/lql/mutation/print-mutation.ts";

const now = new Date("2025-03-01T10:00:00.250Z");

function parsed(source: string | readonly string[], files: "refuse" | "allow" = "allow") {
  return parseMutations(source, { now, files });
}

function printed(source: string | readonly string[]): string[] {
  return parsed(source).map(printMutation);
}

function mistake(source: string | readonly string[], files?: "refuse"): LqlSyntaxError {
  try {
    parsed(source, files);
  } catch (error) {
    if (error instanceof LqlSyntaxError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(source)} was accepted`);
}

describe("forms", () => {
  test.each([
    ["/a=1", "set", { json: "1" }],
    ["/a=1.10", "set", { json: "1.10" }],
    ["/a=007", "set", { json: '"007"' }],
    ["/a=123456789012345678901", "set", { json: "123456789012345678901" }],
    ["/a=1e400", "set", { json: '"1e400"' }],
    ["/a=TRUE", "set", { json: "true" }],
    ['/a="null"', "set", { json: "null" }],
    ["/a=", "set", { json: '""' }],
    ["/a= x y ", "set", { json: '"x y"' }],
    [`/a="it's \\"x\\" \\\\ \\n"`, "set", { json: '"it\'s \\"x\\" \\\\ \\\\n"' }],
    ['/v="42"', "set", { json: "42" }],
    ['/x="-2"', "set", { json: "-2" }],
    ['/note="C++"', "set", { json: '"C++"' }],
    ["/a=+abc", "set", { json: '"+abc"' }],
    ["/a=[1]", "set", { json: '"[1]"' }],
    ['/a={"b":1}', "set", { json: '"{\\"b\\":1}"' }],
    ["/a=b=c", "set", { json: '"b=c"' }],
    ["/c++", "add", { delta: "1" }],
    ["/c--", "add", { delta: "-1" }],
    ["/c=+0.5", "add", { delta: "0.5" }],
    ["/c=-2", "add", { delta: "-2" }],
    ["rm:/a", "remove", {}],
    ["DELETE: /a", "remove", {}],
    ["del:/a", "remove", {}],
    ["remove:/a", "remove", {}],
    ["time:/t=NOW", "set", { json: '"2025-03-01T10:00:00.25Z"' }],
    ["time:/t=now", "set", { json: '"2025-03-01T10:00:00.25Z"' }],
    ["time:/t=2025-01-02T03:04:05+02:00", "set", { json: '"2025-01-02T01:04:05Z"' }],
    ["time:/t=2025-01-02T03:04:05.120000000-00:30", "set", { json: '"2025-01-02T03:34:05.12Z"' }],
    ["file:/p=a b.txt", "file", { mode: "auto", file: "a b.txt" }],
    ['textfile:/p="~/x,y"', "file", { mode: "text", file: "~/x,y" }],
    ["Base64File:/p=x", "file", { mode: "base64", file: "x" }],
  ])("%s", (text, kind, rest) => {
    const mutations = parsed([text]);
    expect(mutations).toHaveLength(1);
    expect(mutations[0]).toMatchObject({ kind, ...rest });
  });

  test("the path of a step ends where the step begins", () => {
    expect(parsed("/note=C++")[0]?.path).toEqual([{ kind: "name", name: "note=C" }]);
  });

  test("blocks become whole paths", () => {
    expect(printed("/a{/b=1,/c{/d++},rm:/e\n /f[]/*=x}")).toEqual([
      "/a/b=1",
      "/a/c/d++",
      "rm:/a/e",
      '/a/f/[]/*="x"',
    ]);
  });

  test("a text is split outside quotes and braces, an element of an array is not", () => {
    expect(printed('/a="x,y"\n\n/b{/c=1,/d=2} , /e=3,')).toEqual([
      '/a="x,y"',
      "/b/c=1",
      "/b/d=2",
      "/e=3",
    ]);
    expect(printed(["/w=a,b", " ", "/x=1"])).toEqual(['/w="a,b"', "/x=1"]);
  });
});

describe("mistakes", () => {
  test.each([
    ["/b", 0, /no operator/],
    ["a=1", 0, /begin with \//],
    ["/=1", 0, /root/],
    [" =1", 1, /begin with \//],
    ["/a=1,/b=x}", 9, /too many/],
    ["/a{/b=1", 2, /without its partner/],
    ["/{=}/", 1, /without its partner/],
    ["/a{b=1}x", 2, /without its partner/],
    ["/a=O'Brien", 4, /without its partner/],
    ["/a=+0", 3, /zero/],
    ["/a=-0.0", 3, /zero/],
    ["/a=nan", 3, /no such number/],
    ['/a="-Infinity"', 3, /no such number/],
    ["time:/t=", 8, /no time/],
    ["time:/t=soon", 8, /not a time/],
    ["time:/t=2025-02-30T00:00:00Z", 8, /not a time/],
    ["time:/t=2025-02-03T00:00:00", 8, /not a time/],
    ["time:/t++", 5, /step/],
    ["file:/p=", 5, /no file/],
    ["file:/p++", 5, /step/],
    ["file:/p=+1", 8, /added/],
    ["file:rm:/p", 5, /prefix/],
    ["rm:/s{/a}", 0, /prefix in front of a block/],
    ["/s{ , }", 0, /empty block/],
    ["/a=1, /s{/b}", 9, /no operator/],
    ["rm:", 0, /nothing to change/],
  ])("%j at %d", (text, position, pattern) => {
    const error = mistake(text);
    expect(error.message).toMatch(pattern);
    expect(error.message).toMatch(/write /);
    expect(error.position).toBe(position);
  });

  test("in an array the expression is named", () => {
    expect(mistake(["/a=1", "/b"]).message).toMatch(/^expression 2: no operator/);
  });

  test.each(["file:/p=/etc/hostname", "textfile:/p=x", "/a{base64file:/p=x}"])(
    "%s is refused where files cannot be read",
    (text) => {
      expect(mistake([text], "refuse").message).toMatch(/local files/);
    },
  );

  test("limits", () => {
    expect(mistake(Array.from({ length: 10_001 }, () => "/a=1")).message).toMatch(/10000/);
    const wild = Array.from({ length: wildcardSegmentsMax / 2 + 1 }, () => "/*/a=1");
    expect(mistake(wild).message).toMatch(/wildcards/);
    const nested = `${"/a{".repeat(blockDepthMax + 1)}/b=1${"}".repeat(blockDepthMax + 1)}`;
    expect(mistake(nested).message).toMatch(/nested/);
    expect(mistake(`${"/a".repeat(1_001)}=1`).message).toMatch(/segments/);
  });
});

describe("properties", () => {
  const pieces = fc.constantFrom(
    ..."/ = ++ -- + - { } , \n \" ' \\ rm: time: file: NOW a b~1c * [] ** ... 1 2.5 true C++".split(
      " ",
    ),
    " ",
  );
  const text = fc.array(pieces, { maxLength: 14 }).map((parts) => parts.join(""));

  test("printing and parsing again changes nothing", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          text.map((t) => `/p=${t}`),
          fc.string(),
        ),
        (source) => {
          let mutations: ReturnType<typeof parsed>;
          try {
            mutations = parsed([source]);
          } catch (error) {
            expect(error).toBeInstanceOf(LqlSyntaxError);
            return;
          }
          expect(parsed(mutations.map(printMutation))).toEqual(mutations);
        },
      ),
      { numRuns: 20_000 },
    );
  });

  test("twice the text takes about twice the time", () => {
    const time = (length: number): number => {
      const source = `/a{${"/b=1,".repeat(length)}/c=x}`.replaceAll("/b", "/b/b/b");
      const from = process.cpuUsage().user;
      for (let round = 0; round < 5; round += 1) parsed(source);
      return process.cpuUsage(undefined).user - from;
    };
    time(1_000);
    expect(time(8_000) / (time(1_000) + 1_000)).toBeLessThan(8 * 6);
  });
});
