import { LockdProtocolError } from "../../api/errors.ts";
import { eventLineLengthMax } from "../limits.ts";

/** One server-sent event. */
export interface ServerEvent {
  readonly name: string;
  readonly data: string;
}

/** Decodes an event stream from chunks that may be cut anywhere. Ids and comments are dropped. */
export class EventDecoder {
  readonly #text = new TextDecoder();
  #line = "";
  #name = "";
  #data: string[] = [];

  /** The events that `chunk` completes. @throws LockdProtocolError for lines without end */
  push(chunk: Uint8Array): ServerEvent[] {
    const lines = (this.#line + this.#text.decode(chunk, { stream: true })).split("\n");
    this.#line = lines.pop() ?? "";
    if (this.#line.length > eventLineLengthMax) {
      throw new LockdProtocolError("protocol", "a line of the event stream is too long");
    }
    return lines.flatMap((line) => this.#take(line.endsWith("\r") ? line.slice(0, -1) : line));
  }

  #take(line: string): ServerEvent[] {
    if (line === "") return this.#complete();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    if (field === "data") this.#data.push(value);
    return [];
  }

  #complete(): ServerEvent[] {
    const event = { name: this.#name, data: this.#data.join("\n") };
    const complete = this.#data.length > 0;
    this.#name = "";
    this.#data = [];
    return complete ? [event] : [];
  }
}
