import { BaseCommand } from "../cli/base-command.ts";
import { leaseFlags } from "../cli/flags.ts";
import { keyInput, leaseInput, readsWithout } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { printState } from "../cli/print-state.ts";
import { type StateType, stateTypes } from "../cli/state-format.ts";

export default class Get extends BaseCommand {
  static override summary = "Read the state of a key";
  static override description =
    "With a lease: what the holder sees, staged changes included. With --public: what was " +
    "committed last. An empty state prints null; with --require it is exit code 3.";
  static override examples = [
    "<%= config.bin %> get orders --public",
    "<%= config.bin %> get -o state.yaml",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...leaseFlags,
    public: Flags.boolean({ description: "the committed state, without a lease" }),
    output: Flags.string({ char: "o", description: "file to write, - for stdout", default: "-" }),
    type: Flags.string({
      options: [...stateTypes],
      default: "auto",
      description: "form of the output",
    }),
    "show-meta": Flags.boolean({ description: "version and etag on stderr" }),
    require: Flags.boolean({ description: "an empty state is exit code 3" }),
    quiet: Flags.boolean({ char: "q", description: "no summary on stderr" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Get);
    const { flags, args } = parsed;
    const request = flags.public
      ? { ...keyInput(flags, args.key, process.env), public: true }
      : leaseInput(flags, args.key, {
          env: process.env,
          txn: "optional",
          without: readsWithout,
        });
    await this.withConnection(parsed, async ({ lockd }) => {
      const state = await lockd.get(request, { correlationId: this.correlationId });
      const written = await printState(state, {
        file: flags.output === "-" ? undefined : flags.output,
        type: flags.type as StateType,
        require: flags.require,
        key: request.key ?? "",
      });
      if (flags.quiet) return;
      const version = state.exists ? String(state.version) : "";
      note(
        JSON.stringify({ bytes: written, etag: state.exists ? state.etag : undefined, version }),
      );
      if (flags["show-meta"]) note(`version: ${version}\netag: ${state.etag}`);
    });
  }
}
