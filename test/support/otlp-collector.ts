import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";

/** A span as a collector gets it, with what the tests look at made easy. */
export interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly string[];
  readonly failed: boolean;
}

export interface Collector {
  readonly url: string;
  readonly spans: CollectedSpan[];
  readonly services: Set<unknown>;
  stop(): Promise<void>;
}

interface WireValue {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly boolValue?: boolean;
}

interface WireAttribute {
  readonly key: string;
  readonly value: WireValue;
}

interface WireSpan extends Omit<CollectedSpan, "attributes" | "events" | "failed"> {
  readonly attributes: readonly WireAttribute[];
  readonly events?: readonly { readonly name: string }[];
  readonly status?: { readonly code?: number };
}

interface WireBody {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

/** An OTLP collector over HTTP on a free port of this machine. */
export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const services = new Set<unknown>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    if (request.url !== "/v1/traces") {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(Buffer.concat(chunks).toString()) as WireBody;
    for (const { resource, scopeSpans } of body.resourceSpans) {
      services.add(plain(resource.attributes)["service.name"]);
      spans.push(...scopeSpans.flatMap((scope) => scope.spans.map(collected)));
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}`, spans, services, stop: () => closed(server) };
}

/** One over gRPC that keeps the messages as they came. */
export async function startGrpcCollector(): Promise<{
  readonly address: string;
  readonly messages: Buffer[];
  stop(): Promise<void>;
}> {
  const messages: Buffer[] = [];
  const server = createHttp2Server();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const isExport = String(headers[":path"]).endsWith("TraceService/Export");
      messages.push(Buffer.concat(chunks));
      stream.respond(
        { ":status": 200, "content-type": "application/grpc" },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () =>
        stream.sendTrailers({ "grpc-status": isExport ? "0" : "12" }),
      );
      stream.end(Buffer.from([0, 0, 0, 0, 0]));
    });
  });
  const port = await listening(server);
  return {
    address: `127.0.0.1:${port}`,
    messages,
    stop: () => {
      for (const session of sessions) session.destroy();
      return closed(server);
    },
  };
}

function collected({ attributes, events, status, ...span }: WireSpan): CollectedSpan {
  return {
    ...span,
    attributes: plain(attributes),
    events: (events ?? []).map(({ name }) => name),
    failed: status?.code === 2,
  };
}

function plain(attributes: readonly WireAttribute[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue),
    ]),
  );
}

async function listening(server: Pick<Server, "listen" | "address">): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return (server.address() as AddressInfo).port;
}

function closed(server: Pick<Server, "close">): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}
