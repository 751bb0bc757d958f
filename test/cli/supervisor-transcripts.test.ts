/** What `lockd run` does over time, told as stories (test/transcripts/run). */
import path from "node:path";
import { heldSince, type LeaseTiming, leaseTiming } from "../../src/cli/run/lease-timing.ts";
import {
  type SupervisorEvent,
  type SupervisorState,
  startSupervising,
  superviseStep,
} from "../../src/cli/run/supervisor-step.ts";
import { describeTranscripts, type Interpreter, parseCommand } from "../support/transcript.ts";

function newStory(): Interpreter {
  let state: SupervisorState | undefined;
  let timing = leaseTiming(30, undefined);
  return (command) => {
    const { verb, args } = parseCommand(command);
    const now = Number(args.get("at") ?? 0);
    if (verb === "start") {
      const grace = args.has("grace") ? Number(args.get("grace")) : undefined;
      timing = leaseTiming(Number(args.get("ttl")), grace);
      state = startSupervising(timing, heldSince(now, timing));
    }
    if (state === undefined) throw new Error("a story begins with start");
    const step = superviseStep(state, eventOf(verb, args, timing), now);
    state = step.state;
    const effects = step.effects.map((effect) => {
      if (effect.kind === "arm_watchdog") return `watchdog kills at ${effect.killAt}`;
      return effect.kind === "say" ? `"${effect.text}"` : effect.kind;
    });
    if (verb === "ended") effects.push(`stopped: ${state.stopping ?? "no"}`);
    return [
      `  ${effects.length === 0 ? "nothing" : effects.join(", ")}; next look at ${step.wakeAt}`,
    ];
  };
}

function eventOf(
  verb: string,
  args: ReadonlyMap<string, string>,
  timing: LeaseTiming,
): SupervisorEvent {
  switch (verb) {
    case "renewed": {
      const ends = args.get("ends");
      const hold = heldSince(Number(args.get("sent")), timing, Number(ends ?? Infinity));
      return { kind: "renewed", hold };
    }
    case "failed":
      return { kind: "renewal_failed", definite: false };
    case "lost":
      return { kind: "renewal_failed", definite: true };
    case "doubted":
      return { kind: "doubted" };
    case "unguarded":
      return { kind: "unguarded" };
    case "ended":
      return { kind: "child_ended" };
    default:
      return { kind: "tick" };
  }
}

describeTranscripts(path.join(import.meta.dirname, "../transcripts/run"), newStory);
