/** What people come for, and the pages that serve it. A page that stands nowhere comes last. */
export interface Purpose {
  readonly title: string;
  /** Pages: the first word of each command. */
  readonly pages: readonly string[];
}

export const purposes: readonly Purpose[] = [
  { title: "Hold a key", pages: ["run", "acquire", "keepalive", "release", "status", "fence"] },
  {
    title: "Read and change its state",
    pages: ["get", "update", "mutate", "set", "edit", "remove", "describe", "attachments"],
  },
  { title: "Several keys with one fate", pages: ["txn"] },
  {
    title: "Queues",
    pages: ["enqueue", "work", "subscribe", "dequeue", "ack", "nack", "extend", "stats", "queue"],
  },
  { title: "Find documents", pages: ["query", "index", "namespace"] },
  { title: "See what happens", pages: ["top", "watch", "tui", "dev"] },
  {
    title: "Serve and look after it",
    pages: ["serve", "config", "context", "verify", "doctor", "check", "bench", "version"],
  },
  { title: "In the shell", pages: ["completion", "autocomplete", "help"] },
];

const others = "More";

/** The purposes with those of the given pages that exist; nothing is left out. */
export function sortedByPurpose(pages: readonly string[]): Purpose[] {
  const known = new Set(purposes.flatMap((purpose) => purpose.pages));
  const rest = { title: others, pages: pages.filter((page) => !known.has(page)) };
  return [...purposes, rest]
    .map(({ title, pages: wanted }) => ({
      title,
      pages: wanted.filter((page) => pages.includes(page)),
    }))
    .filter((purpose) => purpose.pages.length > 0);
}
