/** Not one RFC 8259 value; `position` is the byte offset in the raw input. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
  readonly position: number;
  readonly reason: string;

  constructor(reason: string, position: number) {
    super(`${reason} at byte ${position}`);
    this.reason = reason;
    this.position = position;
  }
}
