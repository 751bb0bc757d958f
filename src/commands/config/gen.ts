import { existsSync } from "node:fs";
import path from "node:path";
import { failure } from "../../api/errors.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { configDirectory, expandHome } from "../../cli/config-file.ts";
import { destructiveFlags } from "../../cli/dry-run/destructive-flags.ts";
import { Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";
import { replaceFile } from "../../cli/replace-file.ts";
import { configJson, configText } from "../../cli/serve/config-text.ts";
import { writing } from "../../cli/unwritable.ts";
import { UsageError } from "../../cli/usage-error.ts";

export default class ConfigGen extends BaseCommand {
  static override summary = "Write a config file with every server setting and its default";
  static override description =
    "A file that changes nothing as it is: every line is a default. Exit code 4: there is a file " +
    "already; see --force. With --stdout --json: the same as one JSON object.";
  static override examples = [
    "<%= config.bin %> config gen --stdout",
    "<%= config.bin %> config gen --stdout --json | jq -r .listen",
    "<%= config.bin %> config gen --force --dry-run",
    "<%= config.bin %> config gen --out /etc/lockd/config.yaml",
  ];
  static override flags = {
    out: Flags.string({ description: "file to write; default <config-dir>/config.yaml" }),
    stdout: Flags.boolean({ description: "print instead of writing a file" }),
    force: Flags.boolean({ description: "replace an existing file" }),
    ...destructiveFlags,
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(ConfigGen);
    if (flags.stdout && flags.out !== undefined) {
      throw new UsageError("--stdout and --out cannot be combined");
    }
    if (flags.stdout) {
      await writeOut(flags.json ? jsonText(configJson()) : configText());
      return;
    }
    const file = path.resolve(
      flags.out === undefined
        ? path.join(configDirectory(process.env), "config.yaml")
        : expandHome(flags.out),
    );
    if (existsSync(file) && !flags.force) throw failure("already_there", `${file} exists`);
    if (flags["dry-run"]) {
      const replaced = existsSync(file);
      const text = `would ${replaced ? "replace" : "write"} ${file}\n`;
      await writeOut(flags.json ? jsonText({ dry_run: true, wrote: file, replaced }) : text);
      return;
    }
    const { makeDirectory } = await import("../../storage/make-directory.ts");
    await writing(file, () => makeDirectory(path.dirname(file), 0o755));
    await replaceFile(file, configText());
    const told = flags.json ? jsonText({ wrote: file }) : `wrote default config to ${file}\n`;
    await writeOut(told);
  }
}
