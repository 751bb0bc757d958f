import { BaseCommand, typedFlags } from "../cli/base-command.ts";
import { diagnosisJson, diagnosisText } from "../cli/doctor/finding.ts";
import { Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";

/** Each request of a check; with the usual retries a dead server would be waited for too long. */
const timeoutDefault = "5s";

export default class Doctor extends BaseCommand {
  static override summary = "Look for what is wrong here, and say how to mend it";
  static override description =
    "Versions, config file, permissions, the store (with verify store, file system, space, speed " +
    "of a synced write, socket) or the servers that commands would use (answer, version, clock), " +
    "open files, leftovers of killed workers, the clock. Changes nothing: its probes are removed " +
    "again. Exit code 1 when something fails; with --strict also for warnings.";
  static override examples = [
    "<%= config.bin %> doctor",
    "<%= config.bin %> doctor -s http://locks-1:9341,http://locks-2:9341",
    "<%= config.bin %> doctor --store disk:///var/lib/lockd --strict --json",
  ];
  static override flags = {
    strict: Flags.boolean({ description: "exit code 1 also when there are only warnings" }),
  };

  protected override async run(): Promise<void> {
    const { flags, raw } = await this.parse(Doctor);
    const { examine } = await import("../cli/doctor/examine.ts");
    const patience = { timeout: flags.timeout ?? timeoutDefault, retries: flags.retries ?? "-1" };
    const input = { flags: { ...flags, ...patience }, typed: typedFlags(raw), env: process.env };
    const diagnosis = await examine(input, this.context.version);
    await writeOut(flags.json ? jsonText(diagnosisJson(diagnosis)) : diagnosisText(diagnosis));
    const trouble = diagnosis.failures + (flags.strict ? diagnosis.warnings : 0);
    if (trouble > 0) process.exitCode = 1;
  }
}
