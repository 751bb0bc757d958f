/**
 * Loaded into the server of a soak (`--import`): answers each message with what memory is in use
 * after a garbage collection. The channel keeps nothing alive.
 */
interface Collecting {
  readonly gc?: () => void;
}

process.on("message", () => {
  (globalThis as Collecting).gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ heapUsed, external, rss });
});
process.channel?.unref();
