/** The shell around the pure part: keeps the state, runs effects, tells the screen of changes. */
import type { DashboardEvent, Effect } from "./view-model/events.ts";
import { reduce } from "./view-model/reduce.ts";
import type { DashboardState } from "./view-model/state.ts";

type Listener = () => void;

export interface DashboardOptions {
  readonly initial: DashboardState;
  /** Runs what the state asks for; its results come back through `dispatch`. */
  readonly onEffect: (effect: Effect, state: DashboardState) => void;
}

export class Dashboard {
  #state: DashboardState;
  readonly #onEffect: DashboardOptions["onEffect"];
  readonly #listeners = new Set<Listener>();

  constructor({ initial, onEffect }: DashboardOptions) {
    this.#state = initial;
    this.#onEffect = onEffect;
  }

  get state(): DashboardState {
    return this.#state;
  }

  readonly dispatch = (event: DashboardEvent): void => {
    const { state, effects } = reduce(this.#state, event);
    const isChanged = state !== this.#state;
    this.#state = state;
    for (const effect of effects) this.#onEffect(effect, state);
    if (isChanged) for (const listener of this.#listeners) listener();
  };

  /** Calls back after every change; answers how to stop that. */
  readonly subscribe = (listener: Listener): Listener => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}
