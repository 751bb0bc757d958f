/**
 * Every setting of the server that this version has: flag, environment, config key and default in
 * one table (cli.md section 15). `serve`, `config gen` and `config show` are made from it.
 */

export type SettingKind = "text" | "duration" | "size" | "whole" | "switch" | "level" | "url";

export interface ServerSetting {
  /** Flag without dashes, and key in the config file. */
  readonly name: string;
  readonly env: string;
  readonly kind: SettingKind;
  readonly value: string;
  readonly help: string;
  readonly options?: readonly string[];
}

export const serverSettings = [
  {
    name: "store",
    env: "LOCKD_STORE",
    kind: "url",
    value: "",
    help: "where everything is kept: disk:///path or mem://",
  },
  {
    name: "listen",
    env: "LOCKD_LISTEN",
    kind: "text",
    value: "127.0.0.1:9341",
    help: "address, or socket path with listen-proto unix",
  },
  {
    name: "listen-proto",
    env: "LOCKD_LISTEN_PROTO",
    kind: "text",
    value: "tcp",
    help: "kind of the address",
    options: ["tcp", "tcp4", "tcp6", "unix"],
  },
  {
    name: "disable-mtls",
    env: "LOCKD_DISABLE_MTLS",
    kind: "switch",
    value: "false",
    help: "plain HTTP also beyond this machine; only with an explicit listen",
  },
  {
    name: "default-namespace",
    env: "LOCKD_DEFAULT_NAMESPACE",
    kind: "text",
    value: "default",
    help: "namespace of requests that name none",
  },
  {
    name: "json-max",
    env: "LOCKD_JSON_MAX",
    kind: "size",
    value: "100MiB",
    help: "largest JSON state",
  },
  {
    name: "json-util",
    env: "LOCKD_JSON_UTIL",
    kind: "text",
    value: "lockd",
    help: "accepted for existing configurations; all give the same bytes",
    options: ["lockd", "jsonv2", "stdlib"],
  },
  {
    name: "payload-spool-mem",
    env: "LOCKD_PAYLOAD_SPOOL_MEM",
    kind: "size",
    value: "4MiB",
    help: "accepted for existing configurations; bodies above 8KiB stream to the store",
  },
  {
    name: "default-ttl",
    env: "LOCKD_DEFAULT_TTL",
    kind: "duration",
    value: "30s",
    help: "lease time when the caller names none",
  },
  {
    name: "max-ttl",
    env: "LOCKD_MAX_TTL",
    kind: "duration",
    value: "30m",
    help: "longest lease time; longer ones are clamped",
  },
  {
    name: "acquire-block",
    env: "LOCKD_ACQUIRE_BLOCK",
    kind: "duration",
    value: "60s",
    help: "wait of an acquire that leaves it to the server",
  },
  {
    name: "drain-grace",
    env: "LOCKD_DRAIN_GRACE",
    kind: "duration",
    value: "10s",
    help: "time held leases get to finish at shutdown; 0s for none",
  },
  {
    name: "shutdown-timeout",
    env: "LOCKD_SHUTDOWN_TIMEOUT",
    kind: "duration",
    value: "10s",
    help: "time of the whole shutdown; 0s for no limit",
  },
  {
    name: "body-idle-timeout",
    env: "LOCKD_BODY_IDLE_TIMEOUT",
    kind: "duration",
    value: "0",
    help: "end a request whose body stalls so long; 0 for never",
  },
  {
    name: "sweeper-interval",
    env: "LOCKD_SWEEPER_INTERVAL",
    kind: "duration",
    value: "5m",
    help: "how often to look for something to tidy up",
  },
  {
    name: "idle-sweep-grace",
    env: "LOCKD_IDLE_SWEEP_GRACE",
    kind: "duration",
    value: "5m",
    help: "tidy up only after so long without a request",
  },
  {
    name: "idle-sweep-max-ops",
    env: "LOCKD_IDLE_SWEEP_MAX_OPS",
    kind: "whole",
    value: "1000",
    help: "objects looked at in one run",
  },
  {
    name: "idle-sweep-max-runtime",
    env: "LOCKD_IDLE_SWEEP_MAX_RUNTIME",
    kind: "duration",
    value: "30s",
    help: "longest time of one run",
  },
  {
    name: "txn-replay-interval",
    env: "LOCKD_TXN_REPLAY_INTERVAL",
    kind: "duration",
    value: "5s",
    help: "least pause between two looks for transactions to end, while there is traffic",
  },
  {
    name: "tc-decision-retention",
    env: "LOCKD_TC_DECISION_RETENTION",
    kind: "duration",
    value: "24h",
    help: "how long the end of a transaction is remembered",
  },
  {
    name: "metrics-listen",
    env: "LOCKD_METRICS_LISTEN",
    kind: "text",
    value: "",
    help: "private host:port for Prometheus metrics, /healthz and /readyz; empty for none",
  },
  {
    name: "enable-profiling-metrics",
    env: "LOCKD_ENABLE_PROFILING_METRICS",
    kind: "switch",
    value: "false",
    help: "also metrics of the runtime: heap, garbage collection, event loop",
  },
  {
    name: "otlp-endpoint",
    env: "LOCKD_OTLP_ENDPOINT",
    kind: "text",
    value: "",
    help: "collector of traces: http(s)://host:4318, or host:4317 for gRPC; empty for none",
  },
  {
    name: "log-level",
    env: "LOCKD_LOG_LEVEL",
    kind: "level",
    value: "info",
    help: "trace, debug, info, warn, error, fatal or none",
  },
  {
    name: "queue-max-consumers",
    env: "LOCKD_QUEUE_MAX_CONSUMERS",
    kind: "whole",
    value: "0",
    help: "consumers that may wait at once; 0 for 64 a CPU, 128 at least, 4096 at most",
  },
  {
    name: "queue-poll-interval",
    env: "LOCKD_QUEUE_POLL_INTERVAL",
    kind: "duration",
    value: "3s",
    help: "pause between two looks at a queue that others may write",
  },
  {
    name: "queue-poll-jitter",
    env: "LOCKD_QUEUE_POLL_JITTER",
    kind: "duration",
    value: "500ms",
    help: "added to that pause at random, at most; 0 for none",
  },
  {
    name: "queue-resilient-poll-interval",
    env: "LOCKD_QUEUE_RESILIENT_POLL_INTERVAL",
    kind: "duration",
    value: "5m",
    help: "that pause while the store reports changes by itself",
  },
  {
    name: "queue-list-page-size",
    env: "LOCKD_QUEUE_LIST_PAGE_SIZE",
    kind: "whole",
    value: "128",
    help: "messages of one look at a queue that others may write",
  },
  {
    name: "disk-queue-watch",
    env: "LOCKD_DISK_QUEUE_WATCH",
    kind: "switch",
    value: "true",
    help: "learn of other writers of a disk store from its change feed",
  },
  {
    name: "disable-mem-queue-watch",
    env: "LOCKD_DISABLE_MEM_QUEUE_WATCH",
    kind: "switch",
    value: "false",
    help: "look at queues in memory by polling only",
  },
  {
    name: "queue-decision-cache-ttl",
    env: "LOCKD_QUEUE_DECISION_CACHE_TTL",
    kind: "duration",
    value: "60s",
    help: "accepted for existing configurations",
  },
  {
    name: "queue-decision-max-apply",
    env: "LOCKD_QUEUE_DECISION_MAX_APPLY",
    kind: "whole",
    value: "50",
    help: "accepted for existing configurations",
  },
  {
    name: "queue-decision-apply-timeout",
    env: "LOCKD_QUEUE_DECISION_APPLY_TIMEOUT",
    kind: "duration",
    value: "2s",
    help: "accepted for existing configurations",
  },
] as const satisfies readonly ServerSetting[];

export type SettingName = (typeof serverSettings)[number]["name"];

/** Where a value came from. */
export type SettingSource = "flag" | "env" | "file" | "default";

export interface SettingValue {
  readonly text: string;
  readonly source: SettingSource;
}

export type SettingValues = Readonly<Record<SettingName, SettingValue>>;
