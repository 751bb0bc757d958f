/** What `lockd run` does over time, told as stories (test/transcripts/run). */
import path from "node:path";
import { leaseTiming } from "../../src/cli/run/lease-timing.ts";
import {
  type SupervisorEvent,
  type SupervisorState,
  startSupervising,
  superviseStep,
} from "../../src/cli/run/supervisor-step.ts";
import { describeTranscripts, type Interpreter, parseCommand } from "../support/transcript.ts";

function newStory(): Interpreter {
  let state: SupervisorState | undefined;
  return (command) => {
    const { verb, args } = parseCommand(command);
    const now = Number(args.get("at") ?? 0);
    if (verb === "start") {
      const grace = args.has("grace") ? Number(args.get("grace")) : undefined;
      state = startSupervising(leaseTiming(Number(args.get("ttl")), grace), now);
    }
    if (state === undefined) throw new Error("a story begins with start");
    const step = superviseStep(state, eventOf(verb, args), now);
    state = step.state;
    const effects = step.effects.map((effect) =>
      effect.kind === "arm_watchdog" ? `watchdog kills at ${effect.killAt}` : effect.kind,
    );
    return [
      `  ${effects.length === 0 ? "nothing" : effects.join(", ")}; next look at ${step.wakeAt}`,
    ];
  };
}

function eventOf(verb: string, args: ReadonlyMap<string, string>): SupervisorEvent {
  switch (verb) {
    case "renewed":
      return { kind: "renewed", sentAt: Number(args.get("sent")) };
    case "failed":
      return { kind: "renewal_failed", definite: false };
    case "lost":
      return { kind: "renewal_failed", definite: true };
    default:
      return { kind: "tick" };
  }
}

describeTranscripts(path.join(import.meta.dirname, "../transcripts/run"), newStory);
