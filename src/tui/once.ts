/** One plain frame, or one JSON document, for scripts and for terminals that are none. */
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

export interface Once {
  readonly text: string;
  /** Not one server answered. */
  readonly failure: Failure | undefined;
}

export async function lookOnce(once: OnceOptions): Promise<Once> {
  const { sources, now = Date.now } = once;
  const labels = sources.map(({ label }) => label);
  const size = { columns: once.columns, rows: Number.MAX_SAFE_INTEGER };
  const initial = initialState({ ...once.options, labels, size, nowMs: now() });
  const state = await lookedAt(initial, once);
  const isNoneLive = state.servers.every(({ phase }) => phase !== "live");
  const glyphs = once.hasUnicode ? unicodeGlyphs : asciiGlyphs;
  const text =
    once.output === "json"
      ? `${JSON.stringify(overviewJson(state), undefined, 2)}\n`
      : `${onceLines({ state, glyphs }).map(lineText).join("\n")}\n`;
  return { text, failure: isNoneLive ? state.servers[0]?.failure : undefined };
}

async function lookedAt(initial: DashboardState, once: OnceOptions): Promise<DashboardState> {
  const { sources, describe, now = Date.now } = once;
  const events = await Promise.all(
    sources.map(async ({ source }, server) => {
      const request = lookRequest(initial, server);
      try {
        const look = await source.look(request, AbortSignal.timeout(lookTimeoutMs));
        const question = questionOf(request);
        return { kind: "looked", server, look, question, nowMs: now() } as const;
      } catch (error) {
        return { kind: "lookFailed", server, failure: describe(error), nowMs: now() } as const;
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
