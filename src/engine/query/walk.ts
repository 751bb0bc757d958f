/**
 * The walk of a query: candidates in byte order of their keys, each judged by its committed
 * document. Holds one page of records at a time, whatever the namespace's size.
 */
import type { BodyOut } from "../../api/lockd.ts";
import type { Matcher } from "../../lql/match/compile-selector.ts";
import { stateOpenAttemptsMax } from "../limits.ts";
import type { EngineOptions } from "../options.ts";
import { StoreFailure } from "../ports/store.ts";
import { recordName } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";
import type { IndexStand } from "./candidates.ts";
import { type CommittedDocument, isInternalKey, visibleDocument } from "./committed-view.ts";
import type { PageEntry, PageSource } from "./page-source.ts";
import type { Pacer } from "./scan-turns.ts";

/** A document that matches. */
export interface Match {
  readonly key: string;
  readonly version: number;
  readonly size: number;
  /** The very bytes that were judged; only when the plan opens them. */
  readonly body: BodyOut | undefined;
}

type Ports = Pick<EngineOptions, "store" | "clock" | "telemetry">;

export interface WalkPlan {
  readonly namespace: string;
  readonly source: PageSource;
  /** Undefined: everything matches. */
  readonly matcher: Matcher | undefined;
  readonly after: string | undefined;
  /** Also open the matching documents. */
  readonly opens: boolean;
  readonly pacer: Pacer;
  readonly signal: AbortSignal | undefined;
}

export class Walk {
  readonly #ports: Ports;
  readonly #plan: WalkPlan;
  readonly #pacer: Pacer;
  #entries: readonly PageEntry[] = [];
  #at = 0;
  #more = true;
  #readAtMs = 0;
  #after: string | undefined;
  /** Documents looked at. */
  seen = 0;
  /** Of those, the ones that match. */
  matched = 0;

  constructor(ports: Ports, plan: WalkPlan) {
    this.#ports = ports;
    this.#plan = plan;
    this.#after = plan.after;
    this.#pacer = plan.pacer;
  }

  /** Where the index stood; undefined for a scan, and before the first page. */
  get stand(): IndexStand | undefined {
    return this.#plan.source.stand;
  }

  /** The next match of what was read already; undefined when {@link next} has to be asked. */
  ready(): Match | undefined {
    for (;;) {
      const entry = this.#current();
      if (entry === undefined) return undefined;
      const document = this.#view(entry.key, entry.record);
      if (document?.kind === "object") return undefined;
      this.#at += 1;
      this.#after = entry.key;
      if (document === undefined) continue;
      this.seen += 1;
      const match = this.#judge(entry.key, document);
      if (match === undefined) continue;
      this.matched += 1;
      return match;
    }
  }

  /** The next match; undefined at the end. @throws the signal's reason, store errors */
  async next(): Promise<Match | undefined> {
    for (;;) {
      const entry = this.#current() ?? (await this.#turnPage());
      if (entry === undefined) return undefined;
      this.#at += 1;
      this.#after = entry.key;
      const document = this.#view(entry.key, entry.record);
      if (document === undefined) continue;
      this.seen += 1;
      const match =
        document.kind === "inline"
          ? this.#judge(entry.key, document)
          : await this.#judgeObject(entry.key, document);
      if (match === undefined) continue;
      this.matched += 1;
      return match;
    }
  }

  /** True when a document follows that a later page might show. */
  async hasMore(): Promise<boolean> {
    for (;;) {
      const entry = this.#current() ?? (await this.#turnPage());
      if (entry === undefined) return false;
      const document = this.#view(entry.key, entry.record);
      if (document !== undefined) return true;
      this.#at += 1;
      this.#after = entry.key;
    }
  }

  /** The entry whose turn it is; undefined when the page is used up, too old, or the slice is. */
  #current(): PageEntry | undefined {
    const nowMs = this.#ports.clock.monotonicMs();
    if (this.#pacer.isDue(nowMs)) return undefined;
    if (nowMs - this.#readAtMs > this.#plan.source.pageAgeMsMax) return undefined;
    return this.#entries[this.#at];
  }

  /** Lets others have their turn when it is time, then goes on where the walk stands. */
  async #turnPage(): Promise<PageEntry | undefined> {
    const { source, signal } = this.#plan;
    const { clock } = this.#ports;
    if (this.#pacer.isDue(clock.monotonicMs())) await this.#pacer.rest();
    signal?.throwIfAborted();
    const isFresh = clock.monotonicMs() - this.#readAtMs <= source.pageAgeMsMax;
    const entry = this.#entries[this.#at];
    if (entry !== undefined && isFresh) return entry;
    if (entry === undefined && !this.#more) return undefined;
    const page = await source.page(this.#after, signal);
    this.#readAtMs = clock.monotonicMs();
    this.#entries = page.entries;
    this.#more = page.more && page.entries.length > 0;
    this.#at = 0;
    return page.entries[0];
  }

  async #load(key: string): Promise<CommittedDocument | undefined> {
    const { store } = this.#ports;
    const name = recordName(this.#plan.namespace, key);
    const stored = await callStore(() => store.get(name, this.#plan.signal));
    return stored === undefined ? undefined : this.#view(key, stored.bytes);
  }

  /** A damaged record hides one key, not the whole answer; the log says so. */
  #view(key: string, record: Uint8Array): CommittedDocument | undefined {
    if (isInternalKey(key)) return undefined;
    const name = recordName(this.#plan.namespace, key);
    try {
      return visibleDocument(name, record);
    } catch (error) {
      if (!(error instanceof StoreFailure)) throw error;
      this.#unreadable(name, error.message);
      return undefined;
    }
  }

  #judge(
    key: string,
    { version, bytes }: CommittedDocument & { readonly kind: "inline" },
  ): Match | undefined {
    const { matcher, opens } = this.#plan;
    if (matcher !== undefined && !matcher.matches(bytes)) return undefined;
    return { key, version, size: bytes.length, body: opens ? bytes : undefined };
  }

  /** Judges and opens a document of its own; one that was replaced meanwhile is looked at again. */
  async #judgeObject(key: string, found: CommittedDocument): Promise<Match | undefined> {
    const { store } = this.#ports;
    const { opens, signal } = this.#plan;
    let document: CommittedDocument | undefined = found;
    for (let attempt = 0; attempt < stateOpenAttemptsMax; attempt += 1) {
      if (document === undefined) return undefined;
      if (document.kind === "inline") return this.#judge(key, document);
      const { name, version, size } = document;
      const matches = await this.#matchesObject(name);
      if (matches === false) return undefined;
      if (matches && !opens) return { key, version, size, body: undefined };
      const opened = matches ? await callStore(() => store.getStream(name, signal)) : undefined;
      if (opened !== undefined) return { key, version, size, body: opened.body };
      document = await this.#load(key);
    }
    this.#unreadable(recordName(this.#plan.namespace, key), "its bytes are gone");
    return undefined;
  }

  /** Undefined when the object is gone. */
  async #matchesObject(name: string): Promise<boolean | undefined> {
    const { matcher, signal } = this.#plan;
    if (matcher === undefined) return true;
    return await callStore(async () => {
      const opened = await this.#ports.store.getStream(name, signal);
      if (opened === undefined) return undefined;
      try {
        const running = matcher.start();
        for await (const chunk of opened.body) {
          signal?.throwIfAborted();
          if (running.push(chunk)) break;
          if (this.#pacer.isDue(this.#ports.clock.monotonicMs())) await this.#pacer.rest();
        }
        return running.end();
      } finally {
        await opened.body.close();
      }
    });
  }

  #unreadable(name: string, reason: string): void {
    this.#ports.telemetry.warn("query.scan", "query.document.unreadable", { name, reason });
  }
}
