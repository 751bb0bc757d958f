/** One plain frame, or one JSON document, for scripts and for terminals that are none. */
import { LockdError } from "../api/errors.ts";
import { lookTimeoutMs } from "./limits.ts";
import type { DashboardSource, Failure } from "./source/dashboard-source.ts";
import { asciiGlyphs, unicodeGlyphs } from "./view/bars.ts";
import { lineText } from "./view/line.ts";
import { onceLines } from "./view/once-lines.ts";
import { lookRequest, questionOf } from "./view-model/look-request.ts";
import { reduce } from "./view-model/reduce.ts";
import { type DashboardState, type InitialState, initialState } from "./view-model/state.ts";

export interface OnceOptions {
  readonly sources: readonly { readonly label: string; readonly source: DashboardSource }[];
  readonly options: Omit<InitialState, "labels" | "size" | "nowMs">;
  readonly describe: (error: unknown) => Failure;
  readonly output: "text" | "json";
  readonly columns: number;
  readonly hasUnicode: boolean;
  readonly now?: () => number;
}

/** The frame. @throws what the first server threw, when not one of them answered */
export async function lookOnce(once: OnceOptions): Promise<string> {
  const { sources, now = Date.now } = once;
  const labels = sources.map(({ label }) => label);
  const size = { columns: once.columns, rows: Number.MAX_SAFE_INTEGER };
  const initial = initialState({ ...once.options, labels, size, nowMs: now() });
  const errors: unknown[] = [];
  const state = await lookedAt(initial, once, errors);
  if (errors.length === sources.length) throw errors[0];
  const glyphs = once.hasUnicode ? unicodeGlyphs : asciiGlyphs;
  return once.output === "json"
    ? `${JSON.stringify(overviewJson(state), undefined, 2)}\n`
    : `${onceLines({ state, glyphs }).map(lineText).join("\n")}\n`;
}

async function lookedAt(
  initial: DashboardState,
  once: OnceOptions,
  errors: unknown[],
): Promise<DashboardState> {
  const { sources, describe, now = Date.now } = once;
  const events = await Promise.all(
    sources.map(async ({ source }, server) => {
      const request = lookRequest(initial, server);
      const signal = AbortSignal.timeout(lookTimeoutMs);
      try {
        const look = await source.look(request, signal);
        const question = questionOf(request);
        return { kind: "looked", server, look, question, nowMs: now() } as const;
      } catch (error) {
        const detail = `no answer within ${lookTimeoutMs / 1000}s`;
        const told = signal.aborted ? new LockdError("timeout", detail, { cause: error }) : error;
        errors.push(told);
        return { kind: "lookFailed", server, failure: describe(told), nowMs: now() } as const;
      }
    }),
  );
  return events.reduce((state, event) => reduce(state, event).state, initial);
}

/** The shape of `/v1/x/overview`, one for each server. */
function overviewJson({ servers }: DashboardState): unknown {
  const all = servers.map(({ label, look, failure }) =>
    look === undefined
      ? { server: label, error: failure?.code, detail: failure?.detail }
      : {
          server: label,
          ...(snakeCase({
            version: look.version,
            mode: look.mode,
            store: look.store,
            uptimeMs: look.uptimeMs,
            draining: look.draining,
            counts: look.counts,
            complete: look.complete,
            leases: look.leases,
            queues: look.queues,
          }) as object),
          txns: snakeCase(look.transactions),
          tc: look.tc,
          qrf_state: look.qrfState,
          trouble: look.trouble,
        },
  );
  return all.length === 1 ? all[0] : { servers: all };
}

/** Names as on the wire. */
function snakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCase(inner),
    ]),
  );
}
