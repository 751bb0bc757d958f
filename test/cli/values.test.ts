import { describe, expect, test } from "vitest";
import { arrangeWords, type Vocabulary } from "../../src/cli/arrange-words.ts";
import { prettyJson } from "../../src/cli/pretty-json.ts";
import { parseCommitOn } from "../../src/cli/run/commit-rule.ts";
import { exportLine } from "../../src/cli/shell-words.ts";
import { spanText } from "../../src/cli/status-text.ts";
import { nearest } from "../../src/cli/suggestion.ts";
import { UsageError } from "../../src/cli/usage-error.ts";
import {
  parseBlockSeconds,
  parseDuration,
  parseSize,
  parseSwitch,
  parseTtlSeconds,
  parseWhole,
} from "../../src/cli/values.ts";

describe("values as users type them", () => {
  test.each([
    ["1m30s", 90_000],
    ["250ms", 250],
    ["1.5h", 5_400_000],
    ["0", 0],
    [" 2s ", 2_000],
    ["5us", 0.005],
  ])("duration %s", (text, ms) => expect(parseDuration(text, "--x")).toBeCloseTo(ms, 6));

  test.each(["", "5", "s", "1m 30s", "-1s", "1x", "1m30"])("no duration: %j", (text) => {
    expect(() => parseDuration(text, "--x")).toThrow(UsageError);
  });

  test.each([
    ["100MiB", 104_857_600],
    ["4.2MB", 4_200_000],
    ["64", 64],
    ["1 kib", 1024],
    ["2GB", 2e9],
  ])("size %s", (text, bytes) => expect(parseSize(text, "x")).toBe(bytes));

  test.each(["", "MB", "1.2.3kB", "5 XB", "-1"])("no size: %j", (text) => {
    expect(() => parseSize(text, "x")).toThrow(UsageError);
  });

  test.each([
    ["", 0],
    ["0", 0],
    ["forever", 0],
    ["nowait", -1],
    ["-3", -1],
    ["-5s", -1],
    ["10", 10],
    ["1500ms", 2],
    ["1m", 60],
  ])("block %j is %i", (text, seconds) => expect(parseBlockSeconds(text)).toBe(seconds));

  test("ttl is rounded up and positive; switches and whole numbers are strict", () => {
    expect(parseTtlSeconds("100ms", "--ttl")).toBe(1);
    expect(() => parseTtlSeconds("0", "--ttl")).toThrow(/more than 0/);
    expect([parseSwitch("on", "x"), parseSwitch("F", "x")]).toEqual([true, false]);
    expect(() => parseSwitch("maybe", "x")).toThrow(UsageError);
    expect(() => parseWhole("0", "--fencing-token", 1)).toThrow(/at least 1/);
  });

  test("commit rules", () => {
    expect([0, 3, 4].map(parseCommitOn("0, 3"))).toEqual([true, true, false]);
    expect(parseCommitOn("any")(7)).toBe(true);
    expect(parseCommitOn("never")(0)).toBe(false);
    expect(() => parseCommitOn("zero")).toThrow(UsageError);
  });
});

describe("words", () => {
  const vocabulary: Vocabulary = {
    commands: new Set(["acquire", "serve", "verify:store", "rm", "index:flush"]),
    leadingFlags: [
      { name: "server", char: "s", takesValue: true },
      { name: "verbose", char: "v", takesValue: false },
      { name: "store", takesValue: true },
      { name: "disable-mtls", takesValue: false },
    ],
  };

  test.each([
    [["acquire", "k"], "acquire", ["k"]],
    [["-v", "-s", "u", "acquire", "k"], "acquire", ["-v", "-s", "u", "k"]],
    [["--server=u", "verify", "store"], "verify:store", ["--server=u"]],
    [["--store", "mem://"], "serve", ["--store", "mem://"]],
    [["-v", "acquire", "k", "--", "-x"], "acquire", ["-v", "k", "--", "-x"]],
    [["index", "-n", "x", "flush", "-m", "wait"], "index:flush", ["-m", "wait", "-n", "x"]],
    [["client", "index", "--namespace=x", "flush"], "index:flush", ["--namespace=x"]],
    [["acquire", "-n", "x", "k"], "acquire", ["-n", "x", "k"]],
    [["nope"], undefined, ["nope"]],
    [["--help"], undefined, ["--help"]],
  ])("%j", (words, command, rest) => {
    expect(arrangeWords(words, vocabulary)).toMatchObject({ command, words: rest });
  });

  test("the long form of the old program is known as such", () => {
    const words = ["-v", "client", "rm", "k"];
    const arranged = { command: "rm", words: ["-v", "k"], longForm: true };
    expect(arrangeWords(words, vocabulary)).toEqual(arranged);
  });

  test("an unknown flag in front of a command is refused", () => {
    expect(() => arrangeWords(["-z", "acquire"], vocabulary)).toThrow(/unknown flag -z/);
  });

  test("the nearest word, or none", () => {
    expect(nearest("acqire", ["acquire", "release"])).toBe("acquire");
    expect(nearest("xyzzy", ["acquire", "release"])).toBeUndefined();
    expect(nearest("--engine", ["--inline"])).toBeUndefined();
    expect(nearest("--namspaec", ["--inline", "--namespace"])).toBe("--namespace");
  });
});

describe("output", () => {
  test("assignments survive eval, whatever is in them", () => {
    expect(exportLine("A", "web-7:1/x")).toBe('export A="web-7:1/x"');
    expect(exportLine("A", "$(touch x)'s")).toBe("export A='$(touch x)'\\''s'");
    expect(exportLine("A", "")).toBe('export A=""');
  });

  test("pretty JSON keeps the spelling of everything", () => {
    const compact = '{"b":1.0,"a":[],"c":{"d":[1e5,"x,{:\\"}"]},"e":{}}';
    const pretty = prettyJson(compact);
    expect(pretty.replace(/\n */g, "").replace(/": /g, '":')).toBe(compact);
    expect(pretty).toContain('  "b": 1.0,\n');
  });

  test("spans for people", () => {
    expect([999, 61_000, 3_725_000].map(spanText)).toEqual(["1s", "1m 01s", "1h 02m"]);
  });
});
