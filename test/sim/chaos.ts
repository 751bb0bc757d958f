/** What happens to nodes, links and clocks while the clients work. */
import type { Faults } from "./faults.ts";
import type { Network } from "./network.ts";
import type { SimNode } from "./node.ts";
import type { Rng } from "./rng.ts";
import type { Scheduler } from "./scheduler.ts";

export interface ChaosParts {
  readonly nodes: readonly SimNode[];
  readonly network: Pick<Network, "cut" | "heal">;
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly rng: Rng;
}

/** Milliseconds between two looks at the nodes. */
const lookMs = 1_000;
const jumpsMs = [1_000, -1_000, 5_000, -5_000, 60_000, -60_000, 3_600_000, 86_400_000, -86_400_000];

export class Chaos {
  readonly #parts: ChaosParts;
  #stopped = false;

  constructor(parts: ChaosParts) {
    this.#parts = parts;
    for (const node of parts.nodes) this.#look(node);
  }

  /** Faults stop: everybody runs, is reachable and has the right time. */
  stop(): void {
    this.#stopped = true;
    const { nodes, network, faults } = this.#parts;
    faults.stop();
    network.heal();
    for (const node of nodes) {
      if (node.process.frozen) node.thaw();
      if (!node.process.up) node.restart();
      node.hardware.correct();
    }
  }

  #look(node: SimNode): void {
    const { scheduler, rng } = this.#parts;
    scheduler.after(rng.between(0, lookMs * 2), () => {
      if (this.#stopped) return;
      this.#strike(node);
      if (node.process.up && rng.chance(0.05)) this.#sweep(node);
      this.#look(node);
    });
  }

  #strike(node: SimNode): void {
    const { faults, rng, network } = this.#parts;
    const { process } = node;
    if (process.up && !process.frozen && faults.strikes("node-pause")) {
      node.freeze();
      this.#later(rng.between(10, 15_000), () => process.frozen && node.thaw());
    }
    if (process.up && faults.strikes("node-crash")) {
      node.crash();
      this.#later(rng.between(0, 4_000), () => !process.up && node.restart());
    }
    if (faults.strikes("clock-jump")) node.hardware.jump(rng.pick(jumpsMs));
    const cutTo = faults.strikes("net-partition-to-node");
    const cutFrom = faults.strikes("net-partition-to-client");
    if (cutTo) network.cut(node, "to");
    if (cutFrom) network.cut(node, "from");
    if (cutTo || cutFrom) this.#later(rng.between(100, 10_000), () => network.heal(node));
  }

  #later(delayMs: number, run: () => unknown): void {
    this.#parts.scheduler.after(delayMs, () => {
      if (!this.#stopped) run();
    });
  }

  /** The background tidying of a server, at a random moment; its failures are its own affair. */
  #sweep(node: SimNode): void {
    const opsMax = this.#parts.rng.pick([5, 100]);
    node.engine.sweep({ opsMax, signal: undefined }).catch(() => undefined);
  }
}
