import { BaseCommand } from "../../cli/base-command.ts";
import { loadConfig } from "../../cli/config-file.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Flags } from "../../cli/oclif.ts";
import { progressFlag, progressMode } from "../../cli/progress.ts";
import { printRebuilds } from "../../cli/query/print-rebuilds.ts";
import { readSettings } from "../../cli/serve/read-settings.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { parseTimeLimit } from "../../cli/values.ts";

export default class IndexRebuild extends BaseCommand {
  static override summary = "Make the index of a namespace anew";
  static override description =
    "Works on the store itself (--store, LOCKD_STORE or the config file), not through a server. " +
    "Queries use the old index until the new one is complete; safe to break off and to repeat.";
  static override examples = [
    "<%= config.bin %> index rebuild -n orders --store disk:///var/lib/lockd",
    "<%= config.bin %> index rebuild --all --cleanup-delay 0",
    "<%= config.bin %> index rebuild --all --dry-run --json",
  ];
  static override flags = {
    // No environment variable: which index to make anew must be said here.
    namespace: Flags.string({ char: "n", description: "the namespace" }),
    all: Flags.boolean({ description: "every namespace of the store" }),
    cleanup: Flags.boolean({
      description: "delete what the new index does not need; on unless --no-cleanup",
      allowNo: true,
      default: true,
    }),
    ...destructiveFlags,
    ...progressFlag,
    "cleanup-delay": Flags.string({
      description: "how long the old pieces stay for running queries",
      default: "30s",
    }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(IndexRebuild);
    if ((flags.namespace === undefined) !== (flags.all === true)) {
      throw new UsageError("name one namespace with -n, or all of them with --all");
    }
    const cleanupDelayMs = parseTimeLimit(flags["cleanup-delay"], "--cleanup-delay");
    const config = await loadConfig(flags.config, process.env);
    const typed = flags.store === undefined ? {} : { store: flags.store };
    const { store } = readSettings({ flags: typed, env: process.env, config });
    if (store.text === "")
      throw new UsageError(
        "--store is required (or set LOCKD_STORE), such as disk:///var/lib/lockd",
      );
    await printRebuilds({
      store: store.text,
      namespace: flags.namespace,
      dryRun: flags["dry-run"] === true,
      asJson: flags.json === true,
      progress: progressMode(flags.progress, {
        isTerminal: process.stderr.isTTY,
        json: flags.json,
      }),
      options: { cleanup: flags.cleanup, cleanupDelayMs, signal: this.interruptible() },
    });
  }
}
