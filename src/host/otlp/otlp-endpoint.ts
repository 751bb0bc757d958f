/** Where spans are sent, and how. */
export interface OtlpEndpoint {
  readonly protocol: "grpc" | "http";
  readonly url: string;
}

const grpcPort = "4317";
const httpPort = "4318";

/**
 * Reads `otlp-endpoint` (cli.md section 15): `http://` and `https://` are OTLP over HTTP with the
 * path as given, `grpc://` (plain), `grpcs://` (TLS) and a bare `host[:port]` OTLP over gRPC.
 * Undefined for anything else.
 */
export function parseOtlpEndpoint(text: string): OtlpEndpoint | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "http" || scheme === "https") return httpEndpoint(text);
  if (scheme === undefined) return grpcEndpoint("http", text);
  if (scheme !== "grpc" && scheme !== "grpcs") return undefined;
  const rest = text.slice(`${scheme}://`.length);
  return grpcEndpoint(scheme === "grpcs" ? "https" : "http", rest);
}

function httpEndpoint(text: string): OtlpEndpoint | undefined {
  const url = URL.parse(text);
  if (url === null || url.hostname === "") return undefined;
  // A port that is the scheme's own is not told apart from none: look at the text.
  if (!/^https?:\/\/(?:\[[^\]]*\]|[^/:?#]*):\d/i.test(text)) url.port = httpPort;
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return { protocol: "http", url: url.href };
}

function grpcEndpoint(scheme: "http" | "https", address: string): OtlpEndpoint | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s/:?#@]+)(?::(\d{1,5}))?\/?$/i.exec(address);
  if (match === null) return undefined;
  return { protocol: "grpc", url: `${scheme}://${match[1]}:${match[2] ?? grpcPort}` };
}
