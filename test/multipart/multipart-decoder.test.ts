import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseHeaderValue } from "../../src/multipart/header-value.ts";
import { partHeaderBytesMax, preambleBytesMax } from "../../src/multipart/limits.ts";
import { MalformedMultipart } from "../../src/multipart/malformed-multipart.ts";
import { MultipartDecoder } from "../../src/multipart/multipart-decoder.ts";

interface Part {
  readonly name: string | undefined;
  readonly bytes: string;
}

/** What a body says, whatever the cuts; throws as the decoder does. */
function decoded(
  chunks: readonly Uint8Array[],
  options: { readonly boundary?: string; readonly counted?: boolean } = {},
): Part[] {
  const decoder = new MultipartDecoder(options.boundary ?? "b", options);
  const parts: { name: string | undefined; pieces: Buffer[] }[] = [];
  let over = false;
  const take = (): void => {
    for (let event = decoder.next(); event !== undefined && !over; event = decoder.next()) {
      if (event.kind === "part") parts.push({ name: event.headers.name, pieces: [] });
      if (event.kind === "data") parts.at(-1)?.pieces.push(Buffer.from(event.bytes));
      if (event.kind === "end") over = true;
    }
  };
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    decoder.push(lent);
    take();
    // Its memory is used again: nothing of it may still be needed.
    lent.fill(0xee);
  }
  decoder.finish();
  return parts.map(({ name, pieces }) => ({
    name,
    bytes: Buffer.concat(pieces).toString("latin1"),
  }));
}

function part(name: string, body: string): string {
  return `Content-Disposition: form-data; name="${name}"\r\n\r\n${body}`;
}

function bytes(text: string): Buffer {
  return Buffer.from(text, "latin1");
}

const whole = `--b\r\n${part("meta", "{}")}\r\n--b\r\n${part("payload", "a\r\n-b\r")}\r\n--b--\r\n`;
const wholeParts = [
  { name: "meta", bytes: "{}" },
  { name: "payload", bytes: "a\r\n-b\r" },
];

describe("what it reads", () => {
  test.each([
    ["plain", whole],
    ["a preamble and an epilogue", `hello\r\n${whole}bye\r\n--b\r\n`],
    ["padding behind delimiters", whole.replaceAll("--b\r\n", "--b \t\r\n")],
    ["no line end at the very end", whole.slice(0, -2)],
  ])("%s", (_name, text) => {
    expect(decoded([bytes(text)])).toEqual(wholeParts);
  });

  test("parts without headers or bytes, a line that only begins like a delimiter", () => {
    const text = `--b\r\n\r\nx\r\n--bc\r\n--b\r\n${part("payload", "")}\r\n--b--`;
    expect(decoded([bytes(text)])).toEqual([
      { name: undefined, bytes: "x\r\n--bc" },
      { name: "payload", bytes: "" },
    ]);
  });

  test("folded headers, odd cases and unquoted names", () => {
    const headers = "CONTENT-disposition: form-data;\r\n  NAME=meta ; filename=x\r\nX: y";
    expect(decoded([bytes(`--b\r\n${headers}\r\n\r\n1\r\n--b--`)])).toEqual([
      { name: "meta", bytes: "1" },
    ]);
  });

  test("counted: the payload's end is known before anything of the delimiter came", () => {
    const decoder = new MultipartDecoder("b", { counted: true });
    const head = 'Content-Disposition: form-data; name="payload"\r\nContent-Length: 3';
    decoder.push(bytes(`--b\r\n${head}\r\n\r\na\r\n`));
    const kinds: string[] = [];
    for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
      kinds.push(event.kind);
    }
    expect(kinds).toEqual(["part", "data", "part-end"]);
  });

  test("an eager delimiter with nothing behind it holds back no payload byte", () => {
    const decoder = new MultipartDecoder("b");
    decoder.push(bytes(`--b\r\n${part("payload", "abc\r\n")}\r\n--b`));
    const seen: string[] = [];
    for (let event = decoder.next(); event !== undefined; event = decoder.next()) {
      if (event.kind === "data") seen.push(event.bytes.toString());
    }
    expect(seen.join("")).toBe("abc\r\n");
  });
});

describe("what it refuses", () => {
  test.each([
    ["nothing", ""],
    ["an end before the last delimiter", whole.slice(0, -6)],
    ["another boundary", whole.replaceAll("--b", "--c")],
    ["rubbish behind a delimiter", whole.replace("--b\r\n", "--b \rx\r\n")],
    ["a line that is no header", "--b\r\nno header\r\n\r\nx\r\n--b--"],
    ["endless padding", `--b${" ".repeat(500)}\r\n\r\nx\r\n--b--`],
  ])("%s", (_name, text) => {
    expect(() => decoded([bytes(text)])).toThrow(MalformedMultipart);
  });

  test("headers without end and preambles without end stay bounded", () => {
    const decoder = new MultipartDecoder("b");
    decoder.push(bytes("--b\r\nX: "));
    const flood = (): void => {
      for (let pushed = 0; pushed <= 2 * partHeaderBytesMax; pushed += 1_000) {
        decoder.push(Buffer.alloc(1_000, 120));
        decoder.next();
      }
    };
    expect(flood).toThrow(/headers are longer/);
    expect(() => decoded([Buffer.alloc(preambleBytesMax + 100, 120)])).toThrow(/does not begin/);
  });

  test("counted: a part longer than it says", () => {
    const head = 'Content-Disposition: form-data; name="p"\r\nContent-Length: 2';
    const text = bytes(`--b\r\n${head}\r\n\r\nabc\r\n--b--`);
    expect(() => decoded([text], { counted: true })).toThrow(/longer than it announced/);
    expect(decoded([text])).toEqual([{ name: "p", bytes: "abc" }]);
  });
});

/** Bytes that love to look like delimiters. */
const nasty = fc
  .array(fc.constantFrom("\r", "\n", "-", "b", "\r\n", "\r\n--", "\r\n--b", "--b", "x"), {
    maxLength: 12,
  })
  .map((pieces) => pieces.join(""));

/** Cuts a text at the given places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const all = bytes(text);
  const at = [...new Set(places.map((place) => place % (all.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((from, index) => all.subarray(from, at[index] ?? all.length));
}

function outcome(run: () => Part[]): Part[] | string {
  try {
    return run();
  } catch (error) {
    if (error instanceof MalformedMultipart) return error.message;
    throw error;
  }
}

describe("fuzz", () => {
  test("cuts never matter, and bodies that hold no delimiter come out as they went in", () => {
    const bodies = fc.array(nasty.filter((body) => !/\r\n--b([-\r \t]|$)/.test(body)));
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 30 }), (given, places) => {
        const inner = given.map((body) => `--b\r\n${part("p", body)}\r\n`).join("");
        const text = `${inner}--b--\r\n`;
        const parts = decoded(cut(text, places));
        expect(parts.map((one) => one.bytes)).toEqual(given);
      }),
      { numRuns: 500 },
    );
  });

  test("bodies far longer than what is joined at a cut come out as they went in", () => {
    const long = fc
      .array(fc.constantFrom("x".repeat(700), "\r\n--", "\r\n-", "\r", "\r\n--c"), {
        maxLength: 12,
      })
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(long, fc.array(fc.nat(), { maxLength: 4 }), (body, places) => {
        const text = `--b\r\n${part("p", body)}\r\n--b\r\n${part("q", "")}\r\n--b--\r\n`;
        expect(decoded(cut(text, places)).map((one) => one.bytes)).toEqual([body, ""]);
      }),
      { numRuns: 500 },
    );
  });

  test("hostile bytes: any cut gives the same parts or the same refusal", () => {
    const hostile = fc
      .array(
        fc.constantFrom(
          "--b",
          "\r\n",
          "--",
          "\r",
          "\n",
          ":",
          "a: b",
          "\r\n\r\n",
          "\r\n--b\r\n",
          " ",
        ),
        { maxLength: 25 },
      )
      .map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(), { maxLength: 30 }), (text, places) => {
        expect(outcome(() => decoded(cut(text, places)))).toEqual(
          outcome(() => decoded([bytes(text)])),
        );
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("header values", () => {
  test.each([
    ["multipart/related; boundary=abc", "abc"],
    ['Multipart/Form-Data; charset=x; Boundary="a b\\"c"', 'a b"c'],
    ["multipart/related;boundary=abc;", "abc"],
    ["multipart/related; boundary=a; boundary=b", "a"],
  ])("%s", (text, boundary) => {
    expect(parseHeaderValue(text)?.parameters.get("boundary")).toBe(boundary);
  });

  test("what is no header value", () => {
    expect(parseHeaderValue('multipart/related; boundary="abc')).toBeUndefined();
    expect(parseHeaderValue("multipart/related; ;x")).toBeUndefined();
  });
});
