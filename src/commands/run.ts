import { BaseCommand } from "../cli/base-command.ts";
import { defaultOwner } from "../cli/default-owner.ts";
import { keyFlags } from "../cli/flags.ts";
import { keyInput } from "../cli/lease-input.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { note } from "../cli/output.ts";
import { clientEnvironment } from "../cli/run/run-environment.ts";
import { runAcquires } from "../cli/run/run-keys.ts";
import { runPlan, splitCommand } from "../cli/run/run-plan.ts";

export default class Run extends BaseCommand {
  static override summary = "Run a command while holding a key";
  static override description =
    "Waits for the lease, runs the command, keeps the lease alive, and ends with the command's " +
    "exit code. What the command stages (lockd update) is committed when it ends with 0; with " +
    "--also that is one transaction over all keys. The command is killed before anyone else can " +
    "get a key. Exit code 5: busy; 6: the lease was " +
    "lost; 126, 127: the command cannot be run.";
  static override usage = "run KEY [FLAGS] -- COMMAND [ARGUMENTS...]";
  static override examples = [
    "<%= config.bin %> run nightly -- ./backup.sh",
    "<%= config.bin %> run deploy --no-wait --ttl 1m -- make deploy",
    "<%= config.bin %> run accounts/a --also accounts/b -- ./transfer.sh",
    "<%= config.bin %> run report -- sh -c 'date | ./report | lockd update --type raw'",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    also: Flags.string({
      multiple: true,
      description: "hold this key too, [NAMESPACE:]KEY; all change together; repeatable",
    }),
    wait: Flags.string({ description: "how long to wait for the keys; default forever" }),
    "no-wait": Flags.boolean({ description: "do not wait", exclusive: ["wait"] }),
    ttl: Flags.string({ description: "lease time, renewed while it runs", default: "30s" }),
    owner: Flags.string({ description: "who holds it; default <hostname>-<pid>" }),
    "commit-on": Flags.string({
      description: "exit codes that commit, any, or never",
      default: "0",
    }),
    "term-grace": Flags.string({
      description: "time between SIGTERM and SIGKILL; default ttl/4, 5s at most",
    }),
    quiet: Flags.boolean({ char: "q", description: "say nothing of our own on stderr" }),
  };

  protected override async run(): Promise<void> {
    const { own, command } = splitCommand(this.argv);
    const parsed = await this.parse(Run, own);
    const { flags, args } = parsed;
    const plan = runPlan({ ...flags, noWait: flags["no-wait"] });
    const main = keyInput(flags, args.key, process.env);
    const terms = { ...plan.acquire, owner: flags.owner ?? defaultOwner() };
    const acquires = await runAcquires({ main, also: flags.also ?? [] }, terms);
    await this.withConnection(parsed, async ({ lockd, mode, worksInline }) => {
      const { refuseOwnKeys } = await import("../cli/run/own-leases.ts");
      const { runUnderLease } = await import("../cli/run/run-under-lease.ts");
      await refuseOwnKeys(lockd, acquires, process.env, { correlationId: this.correlationId });
      process.exitCode = await runUnderLease({
        ...plan,
        lockd,
        mode,
        command,
        sharedWall: worksInline,
        env: clientEnvironment(flags, process.env),
        acquires,
        main,
        say: (text) => (flags.quiet ? undefined : note(`lockd run: ${text}`)),
      });
      // A call that hangs below us (a dead network disk) must not keep us from ending.
      setTimeout(() => process.exit(), plan.closeTimeoutMs).unref();
    });
  }
}
