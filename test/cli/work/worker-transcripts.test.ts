/** What `lockd work` does over time, told as stories (test/transcripts/work). */
import path from "node:path";
import {
  startWorking,
  type WorkerEffect,
  type WorkerEvent,
  type WorkerState,
  type WorkPlan,
  workerStep,
} from "../../../src/cli/work/worker-step.ts";
import { describeTranscripts, type Interpreter, parseCommand } from "../../support/transcript.ts";

function newStory(): Interpreter {
  let state: WorkerState | undefined;
  return (command) => {
    const { verb, args } = parseCommand(command);
    const now = Number(args.get("at") ?? 0);
    if (verb === "start") state = startWorking(planOf(args), now);
    if (state === undefined) throw new Error("a story begins with start");
    const step = workerStep(state, eventOf(verb, args), now);
    state = step.state;
    const told = step.effects.map(effectText);
    if (step.over) {
      return [
        `  ${[...told, `over: ${state.ending}${state.forced ? ", forced" : ""}`].join(", ")}`,
      ];
    }
    const effects = told.length === 0 ? "nothing" : told.join(", ");
    return [`  ${effects}; ${state.running} running; next look at ${step.wakeAt}`];
  };
}

function planOf(args: ReadonlyMap<string, string>): WorkPlan {
  const given = (name: string, otherwise: number): number => Number(args.get(name) ?? otherwise);
  return {
    concurrency: given("concurrency", 1),
    max: given("max", Infinity),
    idleExitMs: given("idle", Infinity),
    closeTimeoutMs: given("close", 5_000),
    termGraceMs: given("grace", 1_000),
  };
}

function eventOf(verb: string, args: ReadonlyMap<string, string>): WorkerEvent {
  switch (verb) {
    case "delivered":
    case "nothing":
    case "signal":
    case "failed":
      return { kind: verb };
    case "ended":
      return { kind: "command_ended" };
    case "refused":
      return { kind: "take_failed", text: "no server", pauseMsMin: Number(args.get("pause") ?? 0) };
    default:
      return { kind: "tick" };
  }
}

function effectText(effect: WorkerEffect): string {
  if (effect.kind === "say") return `"${effect.text}"`;
  if (effect.kind !== "take") return effect.kind;
  return effect.waitSeconds < 0 ? "take at once" : `take within ${effect.waitSeconds}s`;
}

describeTranscripts(path.join(import.meta.dirname, "../../transcripts/work"), newStory);
