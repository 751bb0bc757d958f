import { describe, expect, it } from "vitest";
import { LockdConfigError } from "../../src/api/errors.ts";
import { parseEndpoints } from "../../src/client/endpoints.ts";

const urls = (raw: string | string[], disableMtls = false) =>
  parseEndpoints(raw, { disableMtls }).map((endpoint) => endpoint.url);

describe("parseEndpoints", () => {
  it("case 1: adds scheme and port", () => {
    expect(urls("a,b:1,https://c")).toEqual(["https://a:9341", "https://b:1", "https://c:9341"]);
  });

  it("case 2: plain http on demand, brackets for IPv6", () => {
    expect(urls("host", true)).toEqual(["http://host:9341"]);
    expect(urls("[::1]")).toEqual(["https://[::1]:9341"]);
    expect(urls("[::1]:80", true)).toEqual(["http://[::1]:80"]);
  });

  it.each([
    ["", "no endpoint was given"],
    [" , ", "no endpoint was given"],
    ["unix:///a.sock,b", "cannot be combined"],
    ["unix://relative", "absolute path"],
    ["unix:///", "absolute path"],
    ["unix:///a?path=x", "start with a slash"],
    ["ftp://a", "unknown scheme"],
    ["::1", "brackets"],
    [":9341", "names no host"],
    ["https://", "not an address"],
    ["a:0", "impossible port"],
    ["a:70000", "not an address"],
    ["https://u:p@a", "must not carry a user"],
    ["https://a?x=1", "query"],
    ["a b", "not an address"],
  ])("case 3: refuses %j and says why", (raw, why) => {
    expect(() => parseEndpoints(raw)).toThrow(LockdConfigError);
    expect(() => parseEndpoints(raw)).toThrow(why);
  });

  it("never shows a password", () => {
    expect(() => parseEndpoints("https://u:secret@a")).toThrow(/^((?!secret).)*$/);
  });

  it("keeps an explicit scheme and its usual port", () => {
    expect(urls(["http://c:80", "https://d:443/"], true)).toEqual(["http://c:80", "https://d:443"]);
  });

  it("keeps a base path, drops trailing slashes and duplicates", () => {
    const [only] = parseEndpoints("https://h/base//,https://H/base");
    expect(only).toEqual({
      url: "https://h:9341/base",
      origin: "https://h:9341",
      socketPath: undefined,
      basePath: "/base",
    });
  });

  it("understands unix sockets", () => {
    expect(parseEndpoints("unix:///run/lockd.sock?path=/base/")).toEqual([
      {
        url: "unix:///run/lockd.sock?path=/base",
        origin: "http://unix",
        socketPath: "/run/lockd.sock",
        basePath: "/base",
      },
    ]);
  });

  it("knows the word default", () => {
    expect(urls("default")).toEqual(["https://127.0.0.1:9341"]);
  });
});
