import { BaseCommand } from "../../cli/base-command.ts";
import { fenceInput, withReplacement } from "../../cli/fence-input.ts";
import { Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class FenceCheck extends BaseCommand {
  static override summary = "Let only the newest fencing token pass, beside a file";
  static override description =
    "Remembers the highest token seen for a file in FILE.fence. Exit code 0 when this one is as " +
    "new, 6 (fencing_token_stale) when a newer one was seen. --replace puts new content in the " +
    "place of the file while the guard is held, so that no older holder can write after a newer " +
    "one; without it, the check holds only for the moment it was made. Recipes for SQL, S3 and " +
    "HTTP: docs/fencing.md.";
  static override examples = [
    "<%= config.bin %> run report -- sh -c " +
      "'./make >new && <%= config.bin %> fence check --file report.json --replace new'",
    "<%= config.bin %> fence check --file /srv/report.json --token 7",
    "./make | <%= config.bin %> fence check --file report.json --token 7 --replace - --json",
  ];
  static override flags = {
    file: Flags.string({ description: "the file that is guarded; need not exist" }),
    token: Flags.string({
      description: "fencing token, an integer > 0 [env: LOCKD_CLIENT_FENCING_TOKEN]",
    }),
    key: Flags.string({
      char: "k",
      description: "the key that the token is of, to refuse others [env: LOCKD_CLIENT_KEY]",
    }),
    namespace: Flags.string({
      char: "n",
      env: "LOCKD_CLIENT_NAMESPACE",
      description: "namespace of the key; default: default",
    }),
    replace: Flags.string({
      description: "new content of the file: a file, or - for standard input",
    }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(FenceCheck);
    const input = fenceInput(flags, process.env);
    const { checkFence } = await import("../../storage/fence/token-guard.ts");
    const verdict = await withReplacement(input.file, flags.replace, (replacement) =>
      checkFence({ ...input, replacement }, new Date()),
    );
    const { file, guard, token, seen, replaced } = verdict;
    const before = seen === undefined ? "the first" : `newest before: ${seen}`;
    const more = replaced ? `; ${file} replaced` : "";
    const text = `fencing token ${token} passes (${before})${more}\n`;
    const json = { file, guard, token, seen: seen ?? null, key: input.key ?? null, replaced };
    await writeOut(flags.json ? jsonText(json) : text);
  }
}
