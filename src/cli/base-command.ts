import { Command } from "@oclif/core";
import { type ConnectFlags, type Connection, connect } from "./connect.ts";
import { failureReport } from "./failure-report.ts";
import { globalFlags } from "./flags.ts";
import { note, quietOnClosedPipe } from "./output.ts";
import { parseFailure } from "./parse-failure.ts";
import { Interrupted } from "./usage-error.ts";

/** A token of the command line as oclif's parser reports it. */
interface RawToken {
  readonly type: string;
  readonly flag?: string;
}

/** What every command shares: the global flags, reaching a key, and ending with an error. */
export abstract class BaseCommand extends Command {
  static override baseFlags = globalFlags;

  /** Reaches the keys the way the flags say, runs `use`, and lets go again. */
  protected async withConnection<T>(
    parsed: { readonly flags: ConnectFlags; readonly raw: readonly unknown[] },
    use: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const typed = new Set<string>();
    for (const token of parsed.raw as readonly RawToken[]) {
      if (token.type === "flag" && token.flag !== undefined) typed.add(token.flag);
    }
    const connection = await connect({ flags: parsed.flags, typed, env: process.env });
    try {
      return await use(connection);
    } finally {
      await connection.lockd.close();
    }
  }

  /** One id for all requests of a command; the server's log and ours can be matched by it. */
  protected get correlationId(): string | undefined {
    const given = process.env.LOCKD_CLIENT_CORRELATION_ID?.trim() ?? "";
    return /^[\x20-\x7e]{1,128}$/.test(given) ? given : undefined;
  }

  /** Aborts on SIGINT and SIGTERM with an `Interrupted`, so that waiting ends cleanly. */
  protected interruptible(): AbortSignal {
    const controller = new AbortController();
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      process.once(name, () => controller.abort(new Interrupted(name)));
    }
    return controller.signal;
  }

  override async init(): Promise<void> {
    quietOnClosedPipe();
    await super.init();
  }

  override async catch(error: unknown): Promise<void> {
    const report = failureReport(parseFailure(error, this.id ?? "lockd"));
    const asJson = this.argv.includes("--json");
    note(asJson ? JSON.stringify(report.json) : report.text);
    process.exitCode = report.exitCode;
  }
}
