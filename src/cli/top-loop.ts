import { LockdError } from "../api/errors.ts";
import type { Overview } from "../api/observation.ts";
import { overviewJson } from "../api/observation-json.ts";
import { jsonText, note, writeOut } from "./output.ts";
import { overviewText } from "./overview-text.ts";
import { pauseOrAbort } from "./pause.ts";

/** Cursor to the top left, and everything below it gone: no flicker of a cleared screen. */
const home = "\u001b[H";
const clearBelow = "\u001b[J";
const clearLine = "\u001b[K\n";

export interface TopOptions {
  readonly look: () => Promise<Overview>;
  /** undefined: one look. */
  readonly refreshMs: number | undefined;
  readonly asJson: boolean;
  readonly signal: AbortSignal;
}

/** @throws what the first look fails with; later ones are told and repeated. Interrupted */
export async function topLoop(options: TopOptions): Promise<void> {
  const { look, refreshMs, asJson, signal } = options;
  if (refreshMs === undefined) {
    const overview = await look();
    await writeOut(asJson ? jsonText(overviewJson(overview)) : overviewText(overview));
    return;
  }
  const redraws = process.stdout.isTTY === true && !asJson;
  let begun = false;
  while (!signal.aborted) {
    try {
      const overview = await look();
      if (redraws && !begun) await writeOut(`${home}${clearBelow}`);
      begun = true;
      await writeOut(
        asJson ? `${JSON.stringify(overviewJson(overview))}\n` : frame(overview, redraws),
      );
    } catch (error) {
      if (signal.aborted) break;
      if (!begun || !(error instanceof LockdError)) throw error;
      note(`cannot look: ${error.message}`);
    }
    if (!(await pauseOrAbort(refreshMs, signal))) break;
  }
  throw signal.reason;
}

function frame(overview: Overview, redraws: boolean): string {
  const text = overviewText(overview);
  return redraws ? `${home}${text.replaceAll("\n", clearLine)}${clearBelow}` : `${text}\n`;
}
