import { BaseCommand } from "../cli/base-command.ts";
import { editDocument } from "../cli/edit-document.ts";
import { mutationWords } from "../cli/mutation-words.ts";
import { Args, Flags } from "../cli/oclif.ts";

export default class Edit extends BaseCommand {
  static override summary = "Change parts of a JSON file, without any store or server";
  static override description =
    "Applies LQL mutations to a JSON object from a file, or from stdin to stdout. Nothing at all " +
    "counts as an empty object.";
  static override usage = "edit MUTATION... [FLAGS]";
  static override examples = [
    "<%= config.bin %> edit -f settings.json '/retries=3' 'rm:/legacy'",
    "echo '{\"n\":1}' | <%= config.bin %> edit '/n++'",
  ];
  static override strict = false;
  static override args = {
    mutation: Args.string({ description: "LQL expression, several allowed", ignoreStdin: true }),
  };
  static override flags = {
    file: Flags.string({ char: "f", description: "the file to change; made when it is missing" }),
    type: Flags.string({
      options: ["auto", "json"],
      default: "auto",
      description: "form of the document; JSON is the only one",
    }),
  };

  protected override async run(): Promise<void> {
    const { flags, argv } = await this.parse(Edit);
    await editDocument(flags.file, mutationWords(argv as string[], "allow").mutations);
  }
}
