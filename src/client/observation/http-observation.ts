import { LockdTransportError } from "../../api/errors.ts";
import type { BodyOut } from "../../api/lockd.ts";
import type {
  ChangeEvent,
  ChangeStream,
  ChangesRequest,
  NamesAnswer,
  NamesRequest,
  Observation,
  Overview,
  OverviewRequest,
} from "../../api/observation.ts";
import type { CarrierCall } from "../carrier-call.ts";
import type { HttpCarrier } from "../http-carrier.ts";
import { changeSilenceMsMax } from "../limits.ts";
import { EventLines } from "./event-lines.ts";
import { changeOf, namesAnswer, overviewAnswer } from "./observation-answer.ts";

/** The observation facet over HTTP. A server that does not know it answers `not_found`. */
export class HttpObservation implements Observation {
  readonly #carrier: HttpCarrier;

  constructor(carrier: HttpCarrier) {
    this.#carrier = carrier;
  }

  async overview(request: OverviewRequest, call: CarrierCall = {}): Promise<Overview> {
    const wire = this.#carrier.requests.overview(request);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), overviewAnswer);
  }

  async names(request: NamesRequest, call: CarrierCall = {}): Promise<NamesAnswer> {
    const wire = this.#carrier.requests.names(request);
    return await this.#carrier.attempt(wire, this.#carrier.begin(call), namesAnswer);
  }

  async changes(request: ChangesRequest, call: CarrierCall = {}): Promise<ChangeStream> {
    const wire = this.#carrier.requests.changes(request);
    const progress = this.#carrier.begin(call, this.#carrier.closing);
    const { body } = await this.#carrier.attempt(wire, progress, (answer) => answer);
    const events = this.#events(body, call.signal);
    return {
      close: async () => {
        if (!(body instanceof Uint8Array)) await body.close();
      },
      [Symbol.asyncIterator]: () => events,
    };
  }

  /** Ends with the signal and the server's drain; a connection that fell silent is an error. */
  async *#events(body: BodyOut, signal: AbortSignal | undefined): AsyncGenerator<ChangeEvent> {
    if (body instanceof Uint8Array) return;
    const { clock } = this.#carrier.options;
    const lines = new EventLines();
    let silent = false;
    const watchSilence = () =>
      clock.schedule(changeSilenceMsMax, () => {
        silent = true;
        void body.close();
      });
    let timer = watchSilence();
    try {
      for await (const chunk of body) {
        timer.cancel();
        for (const sent of lines.push(chunk)) {
          const event = changeOf(sent);
          if (event !== undefined) yield event;
        }
        timer = watchSilence();
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    } finally {
      timer.cancel();
      await body.close();
    }
    if (silent) {
      const message = `no sign of life on the stream of changes for ${changeSilenceMsMax} ms`;
      throw new LockdTransportError("truncated", message, { operation: "changes" });
    }
  }
}
