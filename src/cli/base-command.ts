import type { Interfaces } from "@oclif/core";
import { parse } from "@oclif/core/parser";
import { type ConnectFlags, type Connection, connect } from "./connect.ts";
import { useContextNamespace } from "./context/active-context.ts";
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

type ParserInput = Interfaces.Input<
  Interfaces.OutputFlags<Interfaces.FlagInput>,
  Interfaces.OutputFlags<Interfaces.FlagInput>,
  Interfaces.OutputArgs<Interfaces.ArgInput>
>;

/** Names of the flags that stood on the command line, not in the environment. */
export function typedFlags(raw: readonly unknown[]): ReadonlySet<string> {
  const tokens = raw as readonly RawToken[];
  return new Set(tokens.flatMap(({ type, flag }) => (type === "flag" && flag ? [flag] : [])));
}

/** Flags that may be repeated are lists also when they come from the environment, as one text. */
function withLists(
  parsed: Readonly<Record<string, unknown>>,
  defined: Readonly<Record<string, object>>,
): Record<string, unknown> {
  const entries = Object.entries(parsed).map(([name, value]) => {
    const flag = defined[name];
    const repeatable = flag !== undefined && "multiple" in flag && flag.multiple === true;
    return [name, repeatable && typeof value === "string" ? [value] : value];
  });
  return Object.fromEntries(entries);
}

/** What a command knows of the program it is part of. */
export interface CommandContext {
  readonly id: string;
  readonly version: string;
  /** Called in the long form of the old program, `lockd client ...`. */
  readonly longForm: boolean;
}

/**
 * What every command shares: the global flags, reaching a key, and ending with an error. Has the
 * shape of an oclif command, so that oclif's parser, help and manifest work on it, without loading
 * the rest of oclif for every run.
 */
export abstract class BaseCommand {
  static baseFlags = globalFlags;
  static summary: string | undefined;
  static description: string | undefined;
  static usage: string | undefined;
  static hiddenAliases: string[] = [];
  static examples: string[] = [];
  static args: Interfaces.ArgInput = {};
  static flags: Interfaces.FlagInput = {};
  static strict = true;
  protected readonly argv: string[];
  protected readonly context: CommandContext;

  constructor(argv: readonly string[], context: CommandContext) {
    this.argv = [...argv];
    this.context = context;
  }

  /** Only names the shape: commands are started by `launch`. */
  static async run(): Promise<void> {
    throw new Error("commands are started by launch");
  }

  protected abstract run(): Promise<void>;

  /** Runs the command; a failure is told on stderr and in the exit code. Never rejects. */
  async execute(): Promise<void> {
    quietOnClosedPipe();
    try {
      useContextNamespace(this.argv, process.env);
      await this.run();
    } catch (error) {
      await this.tell(error);
    }
  }

  /** Says what went wrong, and sets the exit code. */
  protected async tell(error: unknown): Promise<void> {
    const report = failureReport(parseFailure(error, this.context.id));
    const asJson = this.argv.includes("--json");
    note(asJson ? JSON.stringify(report.json) : report.text);
    process.exitCode = report.exitCode;
  }

  protected parse<
    F extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    B extends Interfaces.OutputFlags<Interfaces.FlagInput>,
    A extends Interfaces.OutputArgs<Interfaces.ArgInput>,
  >(
    options: Interfaces.Input<F, B, A>,
    argv: readonly string[] = this.argv,
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const flags = { ...options.baseFlags, ...options.flags };
    const input = { context: this, ...options, flags } as unknown as ParserInput;
    return parse([...argv], input).then((parsed) => ({
      ...parsed,
      flags: withLists(parsed.flags, flags),
    })) as unknown as Promise<Interfaces.ParserOutput<F, B, A>>;
  }

  /** Reaches the keys the way the flags say, runs `use`, and lets go again. */
  protected async withConnection<T>(
    parsed: { readonly flags: ConnectFlags; readonly raw: readonly unknown[] },
    use: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const typed = typedFlags(parsed.raw);
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
}
