import { failure } from "../../api/errors.ts";
import type { RebuildOptions } from "../../engine/query/candidates.ts";
import { note, writeOut } from "../output.ts";

/** Milliseconds before a terminal is told how far a rebuild is, and between two such lines. */
const progressMs = 1_000;

export interface RebuildPlan {
  /** Store URL. */
  readonly store: string;
  /** Undefined: all of the store. */
  readonly namespace: string | undefined;
  readonly options: RebuildOptions;
}

/** Makes indexes anew, one line for each namespace. @throws not_found, index_unavailable */
export async function printRebuilds({ store, namespace, options }: RebuildPlan): Promise<void> {
  const { openInlineEngine } = await import("../../local/inline-engine.ts");
  const engine = await openInlineEngine(store, {});
  try {
    const names = namespace === undefined ? await engine.namespaces() : [namespace];
    if (names.length === 0) throw failure("not_found", `${store} has no namespaces yet`);
    for (const name of names) {
      const onProgress = process.stderr.isTTY ? progressOf(name) : () => {};
      const {
        seq,
        rebuilt,
        namespace: normal,
      } = await engine.rebuildIndex(name, {
        ...options,
        onProgress,
      });
      await writeOut(`namespace=${normal} rebuilt=${rebuilt} index_seq=${seq}\n`);
    }
  } finally {
    await engine.close();
  }
}

function progressOf(namespace: string): (documents: number) => void {
  let toldAt = performance.now();
  return (documents) => {
    if (performance.now() - toldAt < progressMs) return;
    toldAt = performance.now();
    note(`${namespace}: ${documents} documents so far`);
  };
}
