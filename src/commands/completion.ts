import { BaseCommand } from "../cli/base-command.ts";
import { completionScripts } from "../cli/completion/scripts.ts";
import { Args } from "../cli/oclif.ts";
import { writeOut } from "../cli/output.ts";

const shells = ["bash", "zsh", "fish"] as const;

export default class Completion extends BaseCommand {
  static override summary = "Print what makes a shell complete lockd's commands, flags and names";
  static override description =
    "Names of keys, queues, namespaces, transactions, attachments and contexts come from the " +
    "server or store that the command would use; what does not answer in 150 ms is left out.\n" +
    "bash and zsh: put the eval line into ~/.bashrc or ~/.zshrc (there behind compinit).";
  static override examples = [
    'eval "$(<%= config.bin %> completion bash)"',
    'eval "$(<%= config.bin %> completion zsh)"',
    "<%= config.bin %> completion fish >~/.config/fish/completions/lockd.fish",
  ];
  static override args = {
    shell: Args.string({
      description: "bash, zsh or fish",
      required: true,
      ignoreStdin: true,
      options: [...shells],
    }),
  };

  protected override async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    const shell = shells.find((name) => name === args.shell) ?? "bash";
    await writeOut(completionScripts[shell]);
  }
}
