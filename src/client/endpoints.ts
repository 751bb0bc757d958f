import { LockdConfigError } from "../api/errors.ts";
import { endpointPortDefault } from "./limits.ts";

/** Where a server is. */
export interface Endpoint {
  /** Canonical text, as shown in errors and compared for preference: `https://a:9341`. */
  readonly url: string;
  /** Origin for the HTTP stack; `http://unix` for sockets. */
  readonly origin: string;
  /** Path of the unix socket, when it is one. */
  readonly socketPath: string | undefined;
  /** Prefix of every request path; empty or starting with a slash. */
  readonly basePath: string;
}

export interface EndpointOptions {
  /** Plain http for endpoints that name no scheme. */
  readonly disableMtls?: boolean | undefined;
}

/**
 * The endpoints of a comma list or an array of such lists, in their order, without duplicates.
 *
 * @example parseEndpoints("a,b:1,https://c").map((e) => e.url)
 *   // ["https://a:9341", "https://b:1", "https://c:9341"]
 * @throws LockdConfigError when nothing is left or an entry cannot be understood
 */
export function parseEndpoints(
  raw: string | readonly string[],
  options: EndpointOptions = {},
): Endpoint[] {
  const texts = (typeof raw === "string" ? [raw] : raw)
    .flatMap((list) => list.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "");
  if (texts.length === 0) {
    throw invalid("no endpoint was given; name at least one, such as https://127.0.0.1:9341");
  }
  const byUrl = new Map<string, Endpoint>();
  for (const text of texts) {
    const endpoint = parseEndpoint(text, options);
    byUrl.set(endpoint.url, endpoint);
  }
  const endpoints = [...byUrl.values()];
  if (endpoints.length > 1 && endpoints.some((endpoint) => endpoint.socketPath !== undefined)) {
    throw invalid("a unix socket cannot be combined with other endpoints");
  }
  return endpoints;
}

function invalid(message: string, cause?: unknown): LockdConfigError {
  return new LockdConfigError("invalid_option", message, cause === undefined ? {} : { cause });
}

function parseEndpoint(text: string, options: EndpointOptions): Endpoint {
  if (text === "default") return parseEndpoint("https://127.0.0.1", options);
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "unix") return parseUnixEndpoint(text);
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    throw invalid(`endpoint "${text}" has an unknown scheme; use https://, http:// or unix://`);
  }
  if (scheme === undefined && /^(https?|unix)[:/]\/?/i.test(text)) {
    throw invalid(`endpoint "${text}" is not an address; write for example http://127.0.0.1:9341`);
  }
  const rest = scheme === undefined ? text : text.slice(scheme.length + 3);
  return parseHostEndpoint(text, scheme ?? (options.disableMtls === true ? "http" : "https"), rest);
}

function parseHostEndpoint(text: string, scheme: string, rest: string): Endpoint {
  const authority = rest.split(/[/?#]/, 1)[0] ?? "";
  if (/^[^@[]*:[^@]*:/.test(authority)) {
    throw invalid(`endpoint "${text}": put an IPv6 address in brackets, such as [::1]:9341`);
  }
  if (authority.startsWith(":")) throw invalid(`endpoint "${text}" names no host`);
  let url: URL;
  try {
    url = new URL(`${scheme}://${rest}`);
  } catch (cause) {
    throw invalid(`endpoint "${text}" is not an address; use host, host:port or a URL`, cause);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(`endpoint of host "${url.hostname}" must not carry a user or a password`);
  }
  if (url.search !== "" || url.hash !== "") {
    throw invalid(`endpoint "${text}" must not have a query or a fragment`);
  }
  // URL drops the scheme's usual port, which is not ours: look at the text itself.
  const port = /:(\d+)$/.exec(authority)?.[1] ?? String(endpointPortDefault);
  if (Number(port) < 1 || Number(port) > 65_535) {
    throw invalid(`endpoint "${text}" has an impossible port`);
  }
  const basePath = url.pathname.replace(/\/+$/, "");
  const origin = `${scheme}://${url.hostname}:${Number(port)}`;
  return { url: origin + basePath, origin, socketPath: undefined, basePath };
}

function parseUnixEndpoint(text: string): Endpoint {
  const [path = "", query] = text.slice("unix://".length).split("?", 2);
  if (!path.startsWith("/") || path === "/") {
    throw invalid(`endpoint "${text}" needs an absolute path, such as unix:///run/lockd.sock`);
  }
  const base = new URLSearchParams(query ?? "").get("path") ?? "";
  if (base !== "" && !base.startsWith("/")) {
    throw invalid(`endpoint "${text}": the base path must start with a slash`);
  }
  return socketEndpoint(path, base.replace(/\/+$/, ""));
}

/** The endpoint of a unix socket whose path is known as such. */
export function socketEndpoint(socketPath: string, basePath = ""): Endpoint {
  const url = basePath === "" ? `unix://${socketPath}` : `unix://${socketPath}?path=${basePath}`;
  return { url, origin: "http://unix", socketPath, basePath };
}
