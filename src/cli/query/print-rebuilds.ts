import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import type { Engine } from "../../engine/engine.ts";
import type { RebuildOptions } from "../../engine/query/candidates.ts";
import { writeOut } from "../output.ts";
import { Progress, type ProgressMode } from "../progress.ts";
import { storeIsMade } from "../store-is-made.ts";

export interface RebuildPlan {
  /** Store URL. */
  readonly store: string;
  /** Undefined: all of the store. */
  readonly namespace: string | undefined;
  readonly options: RebuildOptions;
  /** Only tells which ones. */
  readonly dryRun: boolean;
  readonly asJson: boolean;
  readonly progress: ProgressMode;
}

/** Makes indexes anew, one line for each namespace. @throws not_found, index_unavailable */
export async function printRebuilds(plan: RebuildPlan): Promise<void> {
  const { store, namespace, dryRun, asJson } = plan;
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
      const { seq, rebuilt, namespace: normal } = await watched(engine, name, plan);
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

/** How many documents there are is known at the end only: the index is made of one walk. */
async function watched(engine: Engine, namespace: string, { options, progress }: RebuildPlan) {
  const shown = new Progress(
    { label: `index ${namespace}`, total: undefined, counted: "documents" },
    progress,
  );
  shown.start();
  try {
    const onProgress = (documents: number): void => shown.reach(documents);
    return await engine.rebuildIndex(namespace, { ...options, onProgress });
  } finally {
    shown.stop();
  }
}
