import { LockdProtocolError } from "../../api/errors.ts";
import { changeLineLengthMax } from "../limits.ts";

/** A server-sent event. */
export interface SentEvent {
  readonly id: string;
  readonly data: string;
}

/** Takes server-sent events out of chunks that may be cut anywhere; comments are signs of life. */
export class EventLines {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #id = "";
  #data = "";

  /** The events that `chunk` completes. @throws LockdProtocolError */
  push(chunk: Uint8Array): SentEvent[] {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > changeLineLengthMax) {
      throw new LockdProtocolError("protocol", "a line of the stream of changes has no end");
    }
    const events: SentEvent[] = [];
    for (const line of lines) {
      if (line.startsWith("id: ")) this.#id = line.slice(4);
      else if (line.startsWith("data: ")) this.#data = line.slice(6);
      else if (line === "" && this.#data !== "") {
        events.push({ id: this.#id, data: this.#data });
        this.#data = "";
      }
    }
    return events;
  }
}
