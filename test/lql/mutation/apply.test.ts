/** The applier: the contract's tables, the plain reference, and how it treats bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LockdApiError } from "../../../src/api/errors.ts";
import { applyMutations, applyToBytes } from "../../../src/lql/mutation/apply-mutations.ts";
import type { Mutation } from "../../../src/lql/mutation/mutation.ts";
import { parseMutations } from "../../../src/lql/mutation/parse-mutations.ts";
import type { Path } from "../../../src/lql/path.ts";
import { applyReference, StepOnNoNumber } from "./reference.ts";

const now = new Date("2025-03-01T10:00:00.250Z");

function parsed(expressions: string | readonly string[]): Mutation[] {
  return parseMutations(expressions, { now, files: "refuse" });
}

function applied(document: string, ...expressions: readonly string[]): string {
  return Buffer.from(applyToBytes(Buffer.from(document), parsed(expressions))).toString();
}

async function streamed(document: string, mutations: readonly Mutation[], size: number) {
  const bytes = Buffer.from(document);
  const source = async function* () {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  };
  const parts: Uint8Array[] = [];
  for await (const part of applyMutations(source, mutations)) parts.push(Buffer.from(part));
  return Buffer.concat(parts).toString();
}

describe("the table of section 7.4", () => {
  test.each([
    ["{}", ["/a/b=1"], '{"a":{"b":1}}'],
    ['{"a":5}', ["/a/b=1"], '{"a":{"b":1}}'],
    ['{"c":1}', ["/c++", "/c=+2"], '{"c":4}'],
    ['{"c":0.1}', ["/c=+0.2"], '{"c":0.30000000000000004}'],
    ['{"t":[1,2,3]}', ["rm:/t/1"], '{"t":[1,null,3]}'],
    ['{"t":[{"x":1},{"y":2}]}', ["/t[]/x=9"], '{"t":[{"x":9},{"y":2}]}'],
    ['{"a":1}', ["rm:/zz"], '{"a":1}'],
    ['{"a":1}', ["/s{/n=1,/m{/k=v}}"], '{"a":1,"s":{"n":1,"m":{"k":"v"}}}'],
    ["{}", ['/u="1"', '/w="a,b"', "/j=[1]"], '{"u":1,"w":"a,b","j":"[1]"}'],
    ['{"t":[{"x":1}]}', ["/t/0/x=5"], '{"t":[{"x":5}]}'],
    ['{"t":[1]}', ["/t/k=5"], '{"t":{"k":5}}'],
  ])("%s %j is %s", (before, expressions, after) => {
    expect(applied(before, ...expressions)).toBe(after);
  });

  test('{"c":"x"} /c++ is refused', () => {
    expect(() => applied('{"c":"x"}', "/c++")).toThrow(/\/c is not a number/);
  });
});

describe("rules", () => {
  test.each([
    [
      "numbers keep their digits",
      '{"a":1.10,"b":9007199254740993}',
      ["/b=+1"],
      '{"a":1.10,"b":9007199254740994}',
    ],
    ["a sum near a whole number is one", '{"c":0.7}', ["/c=+0.3"], '{"c":1}'],
    ["an exponent is no integer, but adds", '{"c":1e3}', ["/c++"], '{"c":1001}'],
    ["an index beyond the end replaces the array", '{"t":[1,2]}', ["/t/2=5"], '{"t":{"2":5}}'],
    [
      "the first such one does, the rest follows",
      '{"t":[1,2]}',
      ["/t/0=9", "/t/7=5", "/t/1=6"],
      '{"t":{"7":5,"1":6}}',
    ],
    ["removed and set again comes last", '{"a":1,"b":2}', ["rm:/a", "/a=3"], '{"b":2,"a":3}'],
    [
      "set, removed and set again as well",
      '{"a":1,"b":2}',
      ["/a=7", "rm:/a", "/a=3"],
      '{"b":2,"a":3}',
    ],
    [
      "new members in the order in which they came",
      "{}",
      ["/b=1", "/a=1", "rm:/b", "/b=2"],
      '{"a":1,"b":2}',
    ],
    [
      "a wildcard sees what was just made",
      "{}",
      ["/a/n=1", "/a/m=5", "/a/*++"],
      '{"a":{"n":2,"m":6}}',
    ],
    [
      "what is made later is not seen",
      '{"a":{"n":1}}',
      ["/a/*++", "/a/m=5"],
      '{"a":{"n":2,"m":5}}',
    ],
    ["the outermost match takes it all", '{"x":{"x":1}}', ["/.../x=2"], '{"x":2}'],
    [
      "every depth",
      '{"x":1,"a":[{"x":1},[{"x":{"y":1}}]]}',
      ["/.../x=2"],
      '{"x":2,"a":[{"x":2},[{"x":2}]]}',
    ],
    ["the root is no target", '{"a":1,"b":{"c":2}}', ["rm:/..."], "{}"],
    ["an emptied object", '{"a":{"b":1,"c":2}}', ["rm:/a/*"], '{"a":{}}'],
    ["the first members go", '{"a":1,"b":2,"c":3}', ["rm:/a", "rm:/b"], '{"c":3}'],
    ["the last member goes", '{"a":1,"b":2}', ["rm:/b"], '{"a":1}'],
    ["duplicates are meant alike", '{"a":1,"b":0,"a":2}', ["/a++"], '{"a":2,"b":0,"a":3}'],
    ["duplicates go together", '{"a":1,"b":0,"a":2}', ["rm:/a"], '{"b":0}'],
    ["escaped names are names", '{"\\u0061\\/":1}', ["/a~1=2"], '{"\\u0061\\/":2}'],
    ["a removed element is null and no number", '{"t":[1]}', ["rm:/t/0"], '{"t":[null]}'],
    [
      "a scalar in the way",
      '{"a":"x","b":[null]}',
      ["/a/b/c=1", "/b/0/d=1"],
      '{"a":{"b":{"c":1}},"b":[{"d":1}]}',
    ],
    ["removing below a scalar changes nothing", '{"a":5}', ["rm:/a/b"], '{"a":5}'],
    [
      "white space goes",
      ' { "a" : [ 1 , 2 ] , "b" : "x y" } ',
      ["/c=1"],
      '{"a":[1,2],"b":"x y","c":1}',
    ],
    [
      "a step on what is missing",
      "{}",
      ["/a/n++", "/b=-2", "/c=+0.50"],
      '{"a":{"n":1},"b":-2,"c":0.5}',
    ],
  ])("%s", (_name, before, expressions, after) => {
    expect(applied(before, ...expressions)).toBe(after);
  });

  test.each([
    [["/c++", "/c=1"], '{"c":"x"}'],
    [["/a/n++", "rm:/a"], '{"a":{"n":"x"}}'],
    [["/t/0/n++", "/t/k=1"], '{"t":[{"n":null}]}'],
    [["/**++"], '{"a":1,"b":{"c":1}}'],
    [["/big=+1"], '{"big":9223372036854775807}'],
    [["/big=+1"], '{"big":123456789012345678901234567890}'],
    [["/t/0=9", "rm:/t/0", "/t/0++"], '{"t":[1]}'],
  ])("%j on %s is refused, whatever would come later", (expressions, document) => {
    expect(() => applied(document, ...expressions)).toThrow(
      expect.objectContaining({ code: "invalid_body" }),
    );
  });

  test.each(["[1]", "1", "null", '"x"', "", "{", "{}{}", '{"a":1,}', "{'a':1}"])(
    "%j is no document",
    async (document) => {
      const refused = expect.objectContaining({ code: "invalid_body" });
      expect(() => applied(document, "/a=1")).toThrow(refused);
      await expect(streamed(document, parsed("/a=1"), 1)).rejects.toThrow(refused);
    },
  );

  test("nested as deep as documents may be", async () => {
    const deep = `{"a":${"[".repeat(9_998)}${"]".repeat(9_998)},"n":1}`;
    expect(applied(deep, "/n++")).toBe(deep.replace('"n":1', '"n":2'));
    expect(applied(deep, "/.../n++")).toBe(deep.replace('"n":1', '"n":2'));
  });
});

const names = ["a", "b", "0", "1", "x~/", "é", ""];
const nameJson = fc.oneof(
  fc.constantFrom(...names).map((name) => JSON.stringify(name)),
  fc.constantFrom('"\\u0061"', '"\\u00e9"', '"long name with \\"quotes\\" and more"'),
);
const scalarJson = fc.constantFrom("0", "1", "-2", "1.50", "7e2", "null", "true", '"s"', '"\\\\"');
const { tree: documentJson } = fc.letrec<{ tree: string; value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "json" },
    scalarJson,
    tie("tree"),
    fc
      .array(tie("value"), { maxLength: 3, depthIdentifier: "json" })
      .map((elements) => `[${elements.join(",")}]`),
  ),
  tree: fc
    .array(fc.tuple(nameJson, tie("value")), { maxLength: 4, depthIdentifier: "json" })
    .map((members) => `{${members.map(([name, value]) => `${name}:${value}`).join(",")}}`),
}));

const literalPath: fc.Arbitrary<Path> = fc.array(
  fc.constantFrom(...names).map((name) => ({ kind: "name" as const, name })),
  { minLength: 1, maxLength: 4 },
);
const anyPath: fc.Arbitrary<Path> = fc.array(
  fc.oneof(
    fc.constantFrom(...names).map((name) => ({ kind: "name" as const, name })),
    fc.constantFrom("members", "elements", "children", "descendants").map((kind) => ({ kind })),
  ) as fc.Arbitrary<Path[number]>,
  { minLength: 1, maxLength: 4 },
);
const mutation: fc.Arbitrary<Mutation> = fc
  .tuple(
    fc.oneof({ arbitrary: literalPath, weight: 3 }, anyPath),
    fc.constantFrom<
      { kind: "set"; json: string } | { kind: "add"; delta: string } | { kind: "remove" }
    >(
      { kind: "set", json: "1" },
      { kind: "set", json: '"new"' },
      { kind: "add", delta: "1" },
      { kind: "remove" },
    ),
  )
  .map(([path, change]) => ({ ...change, path }));

function outcome(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof StepOnNoNumber) return "refused";
    if (error instanceof LockdApiError && error.code === "invalid_body") return "refused";
    throw error;
  }
}

describe("bounds", () => {
  test("wildcards that make every value a case of its own are refused in time", () => {
    const tree = (depth: number): string =>
      depth === 0 ? "1" : `{"a":${tree(depth - 1)},"b":${tree(depth - 1)}}`;
    const wild = Array.from({ length: 30 }, (_, i) => `/.../a${"/*".repeat(12)}/z${i}=2`);
    expect(() => applied(tree(14), ...wild)).toThrow(
      expect.objectContaining({ code: "invalid_mutations" }),
    );
    expect(applied(tree(12), "/.../a/*/*/*/a=2").length).toBeGreaterThan(1_000);
  });

  test("what grows beyond the limit stops there, in memory and streamed", async () => {
    const document = `{"list":[${"0,".repeat(20_000)}0]}`;
    const mutations = parsed(`/list[]="${"x".repeat(1_000_000)}"`);
    const refused = expect.objectContaining({ code: "document_too_large" });
    const options = { bytesMax: 50_000_000 };
    expect(() => applyToBytes(Buffer.from(document), mutations, options)).toThrow(refused);
    const drain = async () => {
      for await (const _ of applyMutations(
        () => [Buffer.from(document)] as never,
        mutations,
        options,
      ));
    };
    await expect(drain()).rejects.toThrow(refused);
  });

  test("thousands of mutations on one document", () => {
    const document = JSON.stringify(
      Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i])),
    );
    const steps = Array.from({ length: 5_000 }, (_, i) => `/k${i}++`);
    const more = Array.from({ length: 5_000 }, (_, i) => `/new/k${i}=1`);
    const changed = JSON.parse(applied(document, ...steps, ...more)) as Record<string, unknown>;
    expect(changed.k4999).toBe(5_000);
    expect(Object.keys(changed.new ?? {})).toHaveLength(5_000);
  });
});

describe("properties", () => {
  test("one walk gives what one mutation after the other gives", () => {
    fc.assert(
      fc.property(documentJson, fc.array(mutation, { maxLength: 6 }), (document, mutations) => {
        const one = outcome(() =>
          Buffer.from(applyToBytes(Buffer.from(document), mutations)).toString(),
        );
        expect(one).toBe(outcome(() => applyReference(document, mutations)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("where chunks are cut never matters", async () => {
    await fc.assert(
      fc.asyncProperty(
        documentJson,
        fc.array(mutation, { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        async (document, mutations, size) => {
          const whole = outcome(() =>
            Buffer.from(applyToBytes(Buffer.from(document), mutations)).toString(),
          );
          const cut = await streamed(document, mutations, size).catch((error) =>
            outcome(() => {
              throw error;
            }),
          );
          expect(cut).toBe(whole);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("damaged documents are refused or passed, never worse", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          documentJson.map((text) => text.slice(0, -1)),
        ),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        (document, mutations, compact) => {
          outcome(() => {
            const bytes = applyToBytes(Buffer.from(document), mutations, { compact });
            return Buffer.from(bytes).toString();
          });
          return Promise.resolve();
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
