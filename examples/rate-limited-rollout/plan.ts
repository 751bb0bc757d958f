/** The plan of a rollout: the state of one key, changed only by its holder. */
export interface Plan {
  readonly todo: readonly string[];
  /** By slot: what is being updated there. Stays when its worker dies, for the next in the slot. */
  readonly doing: Readonly<Record<string, string>>;
  readonly done: readonly string[];
  /** When each update began, ms since 1970. */
  readonly starts: readonly number[];
  /** Why nothing more is begun. */
  readonly halted?: string;
}

export const planKey = "rollout/plan";
/** As many hosts at once as there are slots. */
export const slots: readonly string[] = ["rollout/slot-1", "rollout/slot-2"];
/** And none sooner after the one before. */
export const everyMs = 100;

export function isOver({ todo, doing, halted }: Plan): boolean {
  return halted !== undefined || (todo.length === 0 && Object.keys(doing).length === 0);
}
