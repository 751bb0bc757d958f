/** What other programs call it. */
const otherNames: Readonly<Record<string, string>> = {
  lock: "acquire",
  unlock: "release",
  delete: "remove",
  rm: "remove",
  exec: "run",
  ls: "top --once",
  list: "top --once",
  ps: "top --once",
  keys: "top --once",
  show: "status",
  who: "status",
  cat: "get",
  read: "get",
  put: "update",
  write: "update",
  find: "query",
  search: "query",
  send: "enqueue",
  push: "enqueue",
  publish: "enqueue",
  pop: "dequeue",
  pull: "dequeue",
  receive: "dequeue",
  consume: "work",
  worker: "work",
  renew: "keepalive",
  begin: "txn begin",
  commit: "txn commit",
  rollback: "txn rollback",
  transaction: "txn begin",
  server: "serve",
  start: "serve",
  dashboard: "tui",
  ui: "tui",
  try: "dev",
};

/** The command for a word that is none: what others call so, else what is spelled nearly so. */
export function commandFor(typed: readonly string[], known: readonly string[]): string | undefined {
  const [first = ""] = typed;
  if (Object.hasOwn(otherNames, first)) return otherNames[first];
  const whole = nearest(typed.join(" "), known);
  // Of a topic only another of its commands can be meant.
  const isTopic = known.some((command) => command.startsWith(`${first} `));
  return whole ?? (isTopic ? undefined : nearest(first, known));
}

/** The nearest known word to a mistyped one, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  // Of three letters, two others make another word.
  const distanceMax = word.length <= 3 ? 1 : Math.max(2, Math.floor(word.length / 3));
  let bestDistance = distanceMax + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    // Fingers slip in the middle; what begins differently and has two others is another word.
    if (distance > 1 && initial(word) !== initial(candidate)) continue;
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function initial(word: string): string {
  return word.replace(/^-+/, "").slice(0, 1);
}

/** Insertions, deletions, replacements and swaps of neighbours. */
function editDistance(a: string, b: string): number {
  const width = b.length + 1;
  const cell = (row: number, column: number): number => table[row * width + column] ?? 0;
  const table: number[] = new Array((a.length + 1) * width).fill(0);
  for (let row = 0; row <= a.length; row += 1) {
    for (let column = 0; column <= b.length; column += 1) {
      if (row === 0 || column === 0) {
        table[row * width + column] = row + column;
        continue;
      }
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        cell(row - 1, column) + 1,
        cell(row, column - 1) + 1,
        cell(row - 1, column - 1) + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, cell(row - 2, column - 2) + 1);
      table[row * width + column] = cost;
    }
  }
  return cell(a.length, b.length);
}
