/**
 * What is wrong with a selector, before it is known how to say where: the text form adds an offset,
 * the JSON form the way to the member. Never leaves `src/lql/selector`.
 */
export class SelectorFault extends Error {
  override readonly name = "SelectorFault";
  /** The member of a term that is wrong, where it is one. */
  readonly member: string | undefined;

  constructor(message: string, member?: string) {
    super(message);
    this.member = member;
  }
}

/** A text cut to what a message can show. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
