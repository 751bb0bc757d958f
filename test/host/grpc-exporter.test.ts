import { constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { expect, onTestFinished, test } from "vitest";
import { GrpcSpanExporter } from "../../src/host/otlp/grpc-exporter.ts";

/** Sends nothing but an empty batch to a collector that does `answer` with the stream. */
async function exported(answer: (stream: ServerHttp2Stream) => void): Promise<ExportResult> {
  const server = createServer();
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    answer(stream);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const exporter = new GrpcSpanExporter({ url: `http://127.0.0.1:${port}`, timeoutMs: 60_000 });
  onTestFinished(async () => {
    await exporter.shutdown();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return new Promise((resolve) => exporter.export([], resolve));
}

test.each([
  ["cancelled", constants.NGHTTP2_CANCEL],
  ["closed without an error", constants.NGHTTP2_NO_ERROR],
  ["refused", constants.NGHTTP2_REFUSED_STREAM],
])(
  "a stream that the collector %s settles the export",
  async (_how, code) => {
    const { code: result, error } = await exported((stream) => stream.close(code));
    expect(result).toBe(ExportResultCode.FAILED);
    expect(error).toBeInstanceOf(Error);
  },
  5_000,
);

test("one that ends with its session does, too", async () => {
  const { code } = await exported((stream) => stream.session?.destroy());
  expect(code).toBe(ExportResultCode.FAILED);
}, 5_000);
