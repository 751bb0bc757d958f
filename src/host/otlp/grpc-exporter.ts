/**
 * OTLP over gRPC, as far as sending spans needs it: one unary call on an HTTP/2 connection. The
 * official exporter brings a whole gRPC library for this.
 */
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanExporter } from "@opentelemetry/sdk-trace";

const exportPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/** A gRPC message stands behind one byte of flags and four of length. */
const frameHeadBytes = 5;

export class GrpcSpanExporter implements SpanExporter {
  readonly #url: string;
  readonly #timeoutMs: number;
  #session: ClientHttp2Session | undefined;

  constructor(options: { readonly url: string; readonly timeoutMs: number }) {
    this.#url = options.url;
    this.#timeoutMs = options.timeoutMs;
  }

  export(spans: ReadableSpan[], resultCallback: (result: ExportResult) => void): void {
    const message = ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array(0);
    this.#send(framed(message)).then(
      () => resultCallback({ code: ExportResultCode.SUCCESS }),
      (error: Error) => resultCallback({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {
    this.#session?.close();
    this.#session = undefined;
  }

  #send(frame: Uint8Array): Promise<void> {
    const session = this.#open();
    return new Promise((resolve, reject) => {
      const stream = session.request({
        ":method": "POST",
        ":path": exportPath,
        "content-type": "application/grpc",
        te: "trailers",
      });
      stream.setTimeout(this.#timeoutMs, () => {
        stream.close(constants.NGHTTP2_CANCEL);
        reject(new Error(`no answer of the collector within ${this.#timeoutMs} ms`));
      });
      let status: unknown;
      let text: unknown;
      const note = (headers: NodeJS.Dict<unknown>): void => {
        status = headers["grpc-status"] ?? status;
        text = headers["grpc-message"] ?? text;
      };
      stream.on("response", note);
      stream.on("trailers", note);
      stream.on("error", reject);
      stream.on("end", () => {
        if (String(status) === "0") resolve();
        else reject(new Error(`the collector refused: gRPC status ${status} ${text ?? ""}`));
      });
      // Whatever ends a stream closes it, so no export stays unsettled.
      stream.on("close", () => reject(new Error("the collector closed the stream unanswered")));
      stream.resume();
      stream.end(frame);
    });
  }

  #open(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) {
      return this.#session;
    }
    const session = connect(this.#url);
    // Streams are told of it; without a listener it would end the process.
    session.on("error", () => {});
    session.unref();
    this.#session = session;
    return session;
  }
}

function framed(message: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(frameHeadBytes + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, frameHeadBytes);
  return frame;
}
