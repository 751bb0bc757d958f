import { LockdError } from "../api/errors.ts";

export interface DonePart {
  /** What came in between. */
  readonly cause: unknown;
  /** What the command calls its number, in its result as in this failure. */
  readonly member: string;
  readonly count: number;
  /** Undefined when it is not known how many there are. */
  readonly total: number | undefined;
  /** True when the last call may have done more than it could tell. */
  readonly isUnsure: boolean;
  /** True when the same command, given once more, does the rest. */
  readonly goesOn: boolean;
}

/**
 * A command that does many things, one after the other, ended before the last of them. It fails as
 * its cause does, and says besides how far it came.
 */
export class PartlyDone extends LockdError {
  override readonly name = "PartlyDone";
  readonly part: DonePart;

  constructor(part: DonePart) {
    const { cause } = part;
    super(cause instanceof LockdError ? cause.code : "internal", String(cause), { cause });
    this.part = part;
  }

  get text(): string {
    const { member, count, total, isUnsure, goesOn } = this.part;
    const of = total === undefined ? "" : ` of ${total}`;
    const more = isUnsure ? ", and what the last call did on top of it" : "";
    const next = goesOn ? "; the same command goes on with the rest" : "";
    return `${member}=${count}${of}${more}${next}`;
  }
}
