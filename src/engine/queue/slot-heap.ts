/** A binary heap of slots that knows where each slot stands, so that any of them can leave. */
export interface HeapOrder {
  before(one: number, other: number): boolean;
  /** Where each slot stands in the heap; read anew each time, because the table grows. */
  index(): Int32Array;
}

export class SlotHeap {
  readonly #order: HeapOrder;
  #slots: number[] = [];

  constructor(order: HeapOrder) {
    this.#order = order;
  }

  get size(): number {
    return this.#slots.length;
  }

  /** The first one, or -1. */
  peek(): number {
    return this.#slots[0] ?? -1;
  }

  push(slot: number): void {
    this.#slots.push(slot);
    this.#rise(this.#slots.length - 1, slot);
  }

  /** The slot must be in this heap. */
  remove(slot: number): void {
    const at = this.#order.index()[slot] ?? -1;
    const last = this.#slots.pop();
    if (last === undefined || last === slot) return;
    const parent = this.#slots[(at - 1) >> 1];
    const rises = at > 0 && parent !== undefined && this.#order.before(last, parent);
    if (rises) this.#rise(at, last);
    else this.#sink(at, last);
  }

  clear(): void {
    this.#slots = [];
  }

  #put(at: number, slot: number): void {
    this.#slots[at] = slot;
    this.#order.index()[slot] = at;
  }

  #rise(from: number, slot: number): void {
    let at = from;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#slots[parentAt];
      if (parent === undefined || !this.#order.before(slot, parent)) break;
      this.#put(at, parent);
      at = parentAt;
    }
    this.#put(at, slot);
  }

  #sink(from: number, slot: number): void {
    let at = from;
    for (;;) {
      const leftAt = at * 2 + 1;
      const left = this.#slots[leftAt];
      if (left === undefined) break;
      const right = this.#slots[leftAt + 1];
      const takesRight = right !== undefined && this.#order.before(right, left);
      const child = takesRight ? right : left;
      if (!this.#order.before(child, slot)) break;
      this.#put(at, child);
      at = takesRight ? leftAt + 1 : leftAt;
    }
    this.#put(at, slot);
  }
}
