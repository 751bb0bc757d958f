/** What a run looks like; drawn from its seed, and overridden from the command line. */
import { drawFaults, type FaultKind } from "./faults.ts";
import { Rng } from "./rng.ts";

export interface Scenario {
  readonly seed: number;
  /** One node on its own disk, or several on a store they share. */
  readonly exclusive: boolean;
  readonly nodes: number;
  readonly clients: number;
  readonly keys: number;
  /** Calls each client makes. */
  readonly callsEach: number;
  readonly pauseMs: number;
  readonly clockFaults: boolean;
  /** Clients work with attachments too. */
  readonly files: boolean;
  readonly rates: ReadonlyMap<FaultKind, number>;
}

/** Lower seeds were kept before there were attachments, and go on replaying what they found. */
const firstSeedWithFiles = 1_000;

export interface ScenarioOverrides {
  readonly nodes?: number | undefined;
  readonly clients?: number | undefined;
  readonly steps?: number | undefined;
  readonly exclusive?: boolean | undefined;
  readonly clockFaults?: boolean | undefined;
}

export function scenarioOf(seed: number, overrides: ScenarioOverrides = {}): Scenario {
  const rng = new Rng(seed, "scenario");
  const exclusive = overrides.exclusive ?? rng.chance(0.35);
  const clockFaults = overrides.clockFaults ?? rng.chance(0.35);
  const nodes = exclusive ? 1 : (overrides.nodes ?? rng.pick([1, 2, 2, 3, 3, 4]));
  const clients = overrides.clients ?? rng.pick([2, 3, 4, 5, 6, 8]);
  const keys = rng.pick([1, 2, 2, 3]);
  const calls = rng.pick([150, 250, 400]);
  return {
    seed,
    exclusive,
    nodes,
    clients,
    keys,
    callsEach: overrides.steps ?? Math.ceil(calls / clients),
    pauseMs: rng.pick([5, 50, 200, 600]),
    clockFaults,
    files: seed >= firstSeedWithFiles && new Rng(seed, "files").chance(0.4),
    rates: drawFaults(rng, { exclusive, clockFaults }),
  };
}

export function describeScenario(scenario: Scenario): string {
  const { seed, exclusive, nodes, clients, keys, callsEach, pauseMs, clockFaults, files } =
    scenario;
  const faults = [...scenario.rates].map(([kind, rate]) => `${kind}=${rate.toFixed(3)}`).join(" ");
  return (
    `seed ${seed}: ${exclusive ? "exclusive" : "shared"} store, ${nodes} nodes, ${clients} ` +
    `clients x ${callsEach} calls, ${keys} keys, pause ${pauseMs} ms, clock faults ` +
    `${clockFaults ? "on" : "off"}, attachments ${files ? "on" : "off"}\n` +
    `  ${faults === "" ? "no faults" : faults}`
  );
}
