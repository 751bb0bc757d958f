import { BaseCommand } from "../cli/base-command.ts";
import { keyFlags } from "../cli/flags.ts";
import { Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { endText, printDocuments, printKeys } from "../cli/query/print-query.ts";
import { queryInput } from "../cli/query/query-input.ts";

export default class Query extends BaseCommand {
  static override summary = "Find keys, or whole documents, by what is in them";
  static override usage = "query SELECTOR... [FLAGS]";
  static override description =
    'Several selectors must all hold; "" stands for everything. Prints one page of keys; with ' +
    "--documents the documents, one a line. --print-meta tells the cursor of the next page.";
  static override examples = [
    "<%= config.bin %> query '/status=open' '/n>=10'",
    "<%= config.bin %> query 'in{field=/env,any=dev|stage}' -o text",
    "<%= config.bin %> query '' --directory backup --limit 1000",
    "<%= config.bin %> query 'icontains{field=/.../msg,value=timeout}' -d --rows | jq .key",
  ];
  static override strict = false;
  static override flags = {
    namespace: keyFlags.namespace,
    documents: Flags.boolean({ char: "d", description: "whole documents, one a line" }),
    directory: Flags.string({ char: "F", description: "a file for each document, here" }),
    file: Flags.string({ char: "f", description: "file to write, - for stdout" }),
    output: Flags.string({
      char: "o",
      options: ["json", "text"],
      description: "keys as one JSON array, or one a line; default json",
    }),
    limit: Flags.string({ description: "rows of the page, at most 1000; default 100" }),
    cursor: Flags.string({ description: "go on behind the page before" }),
    engine: Flags.string({
      options: ["auto", "index", "scan"],
      description: "how to find them; default what the namespace prefers",
    }),
    refresh: Flags.string({
      options: ["wait_for", "wait-for"],
      description: "first index what was committed before; inline always",
    }),
    rows: Flags.boolean({ description: "documents with namespace, key and version around them" }),
    "print-meta": Flags.boolean({ description: "cursor, index sequence and counts on stderr" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Query);
    const { flags } = parsed;
    const { request, documents } = queryInput(flags, parsed.argv as string[]);
    const call = { correlationId: this.correlationId, signal: this.interruptible() };
    const { file, directory, rows } = flags;
    const type = flags.output === "text" && !flags.json ? "text" : "json";
    await this.withConnection(parsed, async ({ lockd, worksInline }) => {
      // Without a server that does it from time to time, nobody else publishes what is committed.
      const refresh = request.refresh ?? (worksInline() ? "wait_for" : undefined);
      const asked = { request: { ...request, refresh }, call };
      const end = documents
        ? await printDocuments(lockd, asked, { file, directory, rows })
        : await printKeys(lockd, asked, { type, file });
      if (flags["print-meta"]) note(endText(end));
    });
  }
}
