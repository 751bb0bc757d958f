import { BaseCommand } from "../../cli/base-command.ts";
import { loadConfig } from "../../cli/config-file.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { readSettings } from "../../cli/serve/read-settings.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { verifiedStore } from "../../cli/verified-store.ts";
import { verifyText } from "../../cli/verify-text.ts";

export default class VerifyStore extends BaseCommand {
  static override summary = "Check that a store can be trusted";
  static override description =
    "Checks a store (--store, LOCKD_STORE or the config file): directory, write, sync, " +
    "rename, locking, concurrent compare-and-swap, and what is stored. " +
    "Exit code 11 when a check fails.\n" +
    "Settings kept in a file: set -a; . ./.env.disk; set +a; lockd verify store";
  static override examples = [
    "<%= config.bin %> verify store --store disk:///var/lib/lockd",
    "LOCKD_STORE=disk:///srv/lockd <%= config.bin %> verify store --json",
  ];

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(VerifyStore);
    const config = await loadConfig(flags.config, process.env);
    const typed = flags.store === undefined ? {} : { store: flags.store };
    const { store } = readSettings({ flags: typed, env: process.env, config });
    if (store.text === "")
      throw new UsageError(
        "--store is required (or set LOCKD_STORE), such as disk:///var/lib/lockd",
      );
    const report = await verifiedStore(store.text);
    await writeOut(flags.json ? jsonText(report) : verifyText(report));
    if (!report.passed) process.exitCode = 11;
  }
}
