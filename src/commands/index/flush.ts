import { BaseCommand } from "../../cli/base-command.ts";
import { keyFlags } from "../../cli/flags.ts";
import { firstGiven } from "../../cli/lease-input.ts";
import { Flags } from "../../cli/oclif.ts";
import { jsonText, writeOut } from "../../cli/output.ts";

export default class IndexFlush extends BaseCommand {
  static override summary = "Make what was committed findable by the index";
  static override description =
    "async only starts it and tells an id; wait comes back when all that was committed is found.";
  static override examples = [
    "<%= config.bin %> index flush -n orders --mode wait",
    "<%= config.bin %> index flush -o text",
  ];
  static override flags = {
    namespace: keyFlags.namespace,
    mode: Flags.string({
      char: "m",
      options: ["async", "wait"],
      default: "async",
      description: "start it, or wait for it",
    }),
    output: Flags.string({ char: "o", options: ["json", "text"], default: "json" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(IndexFlush);
    const { flags } = parsed;
    const request = { namespace: firstGiven(flags.namespace), mode: flags.mode };
    const call = { correlationId: this.correlationId, signal: this.interruptible() };
    await this.withConnection(parsed, async ({ lockd }) => {
      const result = await lockd.queries.flushIndex(request, call);
      const value = {
        namespace: result.namespace,
        mode: result.mode,
        accepted: true,
        flushed: result.flushed,
        pending: result.pending,
        index_seq: result.indexSeq,
        flush_id: result.flushId,
      };
      const given = Object.entries(value).filter(([, field]) => field !== undefined);
      const text = given.map(([name, field]) => `${name}: ${field}\n`).join("");
      await writeOut(flags.json || flags.output === "json" ? jsonText(value) : text);
    });
  }
}
