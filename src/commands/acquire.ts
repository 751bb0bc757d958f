import { acquireLease } from "../cli/acquire-lease.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { defaultOwner } from "../cli/default-owner.ts";
import { keyFlags, leaseFlags } from "../cli/flags.ts";
import { firstGiven, typedKey } from "../cli/lease-input.ts";
import { acquireJson, acquireLines } from "../cli/lease-output.ts";
import { Args, Flags } from "../cli/oclif.ts";
import { jsonText, writeOut } from "../cli/output.ts";
import { acquireTxnId } from "../cli/txn/acquire-txn-id.ts";
import { parseBlockSeconds, parseTtlSeconds } from "../cli/values.ts";

export default class Acquire extends BaseCommand {
  static override summary = "Take the exclusive lease of a key";
  static override description =
    "Prints assignments for eval, so that get, update and release need no flags afterwards. " +
    "Without a key one is generated (a UUIDv7). Exit code 5: somebody else holds the key.";
  static override examples = [
    'lease=$(<%= config.bin %> acquire orders --ttl 30s --block nowait) || exit; eval "$lease"',
    "<%= config.bin %> acquire orders --block 1m --json",
    "<%= config.bin %> acquire -k migrations/2026 --if-not-exists",
  ];
  static override args = { key: Args.string({ description: "the key", ignoreStdin: true }) };
  static override flags = {
    ...keyFlags,
    ttl: Flags.string({ description: "lease time", default: "30s" }),
    block: Flags.string({
      description: "how long to wait: a duration, seconds, forever, or nowait",
      default: "10s",
    }),
    owner: Flags.string({ description: "who acquires; default <hostname>-<pid>" }),
    "txn-id": leaseFlags["txn-id"],
    implicit: Flags.boolean({ description: "leave the transaction id to the server" }),
    "idempotency-key": Flags.string({
      description: "get the same lease when this acquire is repeated, by the same --owner, in 30s",
    }),
    "if-not-exists": Flags.boolean({ description: "only when the key was never acquired" }),
    output: Flags.string({ char: "o", options: ["text", "json"], default: "text" }),
  };

  protected override async run(): Promise<void> {
    const parsed = await this.parse(Acquire);
    const { flags, args } = parsed;
    const request = {
      key: typedKey(flags, args.key),
      namespace: firstGiven(flags.namespace),
      owner: firstGiven(flags.owner) ?? defaultOwner(),
      ttlSeconds: parseTtlSeconds(flags.ttl, "--ttl"),
      blockSeconds: parseBlockSeconds(flags.block),
      ifNotExists: flags["if-not-exists"],
      idempotencyKey: flags["idempotency-key"],
    };
    const signal = this.interruptible();
    await this.withConnection(parsed, async ({ lockd, mode }) => {
      const call = { signal, correlationId: this.correlationId };
      const txnId = await acquireTxnId(flags, process.env, lockd);
      const lease = await acquireLease(lockd, { ...request, txnId }, process.env, call);
      const asJson = flags.json || flags.output === "json";
      await writeOut(asJson ? jsonText(acquireJson(lease)) : acquireLines(lease, mode));
    });
  }
}
