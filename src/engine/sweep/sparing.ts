import type { Telemetry } from "../ports/telemetry.ts";
import { isDamage } from "../store-failure.ts";

/**
 * Sweeps one object; a damaged one is told of and passed over, untouched. Were it to end the run,
 * every run would end there, and what stands behind it would never be swept.
 * @throws whatever is not about this one object
 */
export async function sparing(
  telemetry: Telemetry,
  name: string,
  sweepOne: () => Promise<void>,
): Promise<void> {
  try {
    await sweepOne();
  } catch (error) {
    if (!isDamage(error)) throw error;
    telemetry.warn("server.lifecycle.core", "sweeper.damaged", { name, error: String(error) });
  }
}
