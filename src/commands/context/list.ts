import { BaseCommand } from "../../cli/base-command.ts";
import { readContexts } from "../../cli/context/context-file.ts";
import { contextListJson, contextListText } from "../../cli/context/context-text.ts";
import { jsonText, writeOut, writeTable } from "../../cli/output.ts";

const noContexts = "no contexts; make one with lockd context add NAME --server URL";

export default class ContextList extends BaseCommand {
  static override summary = "List the contexts; * marks the one in effect";
  static override description =
    "A context is a named set of connection settings: a server, an island or a store, a " +
    "namespace, limits. They are kept in <config-dir>/contexts.json, readable by you only.";
  static override hiddenAliases = ["context:ls"];
  static override examples = [
    "<%= config.bin %> context list",
    "<%= config.bin %> context list --json",
  ];

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(ContextList);
    const file = readContexts(process.env);
    const current = flags.context?.trim() || file.current;
    const asJson = flags.json === true;
    if (asJson) await writeOut(jsonText(contextListJson(file, current)));
    else await writeTable(contextListText(file, current), noContexts);
  }
}
