import { BaseCommand } from "../cli/base-command.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";

export default class Version extends BaseCommand {
  static override summary = "Print the version";
  static override description = "Of the program itself; a server tells its own, see lockd tui.";
  static override examples = ["<%= config.bin %> version", "<%= config.bin %> version --semver"];
  static override flags = {
    version: Flags.boolean({ description: "only the version", exclusive: ["semver"] }),
    semver: Flags.boolean({ description: "only MAJOR.MINOR.PATCH[-pre]" }),
  };

  protected override async run(): Promise<void> {
    const { flags } = await this.parse(Version);
    const { version } = this.context;
    const bare = /^v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)/.exec(version)?.[1] ?? version;
    if (flags.json) await writeOut(jsonText({ version, semver: bare }));
    else if (flags.semver) await writeOut(`${bare}\n`);
    else await writeOut(flags.version ? `${version}\n` : `pkt.systems/lockd ${version}\n`);
  }
}
