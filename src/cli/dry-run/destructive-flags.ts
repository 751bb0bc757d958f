/** Flags of every command that takes something away. */
import { Flags } from "../oclif.ts";

/** Changes nothing. */
export const dryRunFlag = Flags.boolean({
  description: "tell exactly what would happen, and change nothing",
});

/**
 * These commands never ask (cli.md section 1). `--yes` is taken all the same, so that a script can
 * say it to everything that destroys.
 */
export const destructiveFlags = {
  "dry-run": dryRunFlag,
  yes: Flags.boolean({ char: "y", description: "nothing is asked here; for scripts that say it" }),
} as const;
