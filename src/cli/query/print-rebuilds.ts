import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { RebuildOptions } from "../../engine/query/candidates.ts";
import { note, writeOut } from "../output.ts";
import { storeIsMade } from "../store-is-made.ts";

/** Milliseconds before a terminal is told how far a rebuild is, and between two such lines. */
const progressMs = 1_000;

export interface RebuildPlan {
  /** Store URL. */
  readonly store: string;
  /** Undefined: all of the store. */
  readonly namespace: string | undefined;
  readonly options: RebuildOptions;
  /** Only tells which ones. */
  readonly dryRun: boolean;
  readonly asJson: boolean;
}

/** Makes indexes anew, one line for each namespace. @throws not_found, index_unavailable */
export async function printRebuilds(plan: RebuildPlan): Promise<void> {
  const { store, namespace, options, dryRun, asJson } = plan;
  if (dryRun && !(await storeIsMade(store))) {
    throw failure("not_found", `${store}: there is no store yet`);
  }
  const { openInlineEngine } = await import("../../local/inline-engine.ts");
  const engine = await openInlineEngine(store, {});
  try {
    const names = namespace === undefined ? await engine.namespaces() : [namespace];
    if (names.length === 0) throw failure("not_found", `${store} has no namespaces yet`);
    for (const name of names) {
      if (dryRun) {
        const normal = normalizeNamespace(name, "default");
        const told = { namespace: normal, rebuilt: false, dry_run: true };
        await writeOut(asJson ? line(told) : `namespace=${normal} would be rebuilt\n`);
        continue;
      }
      const onProgress = process.stderr.isTTY ? progressOf(name) : () => {};
      const {
        seq,
        rebuilt,
        namespace: normal,
      } = await engine.rebuildIndex(name, {
        ...options,
        onProgress,
      });
      const told = { namespace: normal, rebuilt, index_seq: seq };
      await writeOut(
        asJson ? line(told) : `namespace=${normal} rebuilt=${rebuilt} index_seq=${seq}\n`,
      );
    }
  } finally {
    await engine.close();
  }
}

/** One compact value a line. */
function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}

function progressOf(namespace: string): (documents: number) => void {
  let toldAt = performance.now();
  return (documents) => {
    if (performance.now() - toldAt < progressMs) return;
    toldAt = performance.now();
    note(`${namespace}: ${documents} documents so far`);
  };
}
