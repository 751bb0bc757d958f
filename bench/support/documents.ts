/** Documents that indexes are measured with. */

/** Documents of one group: the hits of an equality, whatever the number of documents. */
export const hits = 20;

const words = "timeout refused connection server lease order invoice parcel north south".split(" ");

/** 1 KB; every value follows from the number. */
export function documentOf(n: number): string {
  const mixed = (n * 2_654_435_761) % 4_294_967_296;
  const text = (from: number, count: number): string =>
    Array.from(
      { length: count },
      (_, at) => words[(mixed >> ((at + from) % 28)) % words.length] ?? "",
    )
      .map((word, at) => `${word}${(mixed + at * 7_919) % 997}`)
      .join(" ");
  return JSON.stringify({
    id: `doc-${n}`,
    group: `group-${Math.floor(n / hits)}`,
    status: ["open", "held", "done", "failed"][n % 4],
    region: `region-${mixed % 100}/zone-${n % 7}`,
    score: mixed % 100_000,
    at: new Date(1_700_000_000_000 + (mixed % 1e9)).toISOString(),
    note: `${mixed % 100 === 0 ? "needle-in-hay " : ""}${text(1, 40)}`,
    owner: { name: `owner ${mixed % 5_000}`, mail: `o${mixed % 5_000}@example.org`, level: n % 9 },
    tags: [`t${n % 50}`, `u${mixed % 300}`],
    history: [
      { step: 1, by: `owner ${(mixed + 1) % 5_000}`, text: text(5, 25) },
      { step: 2, by: `owner ${(mixed + 2) % 5_000}`, text: text(9, 25) },
    ],
    done: n % 2 === 0,
    extra: null,
  });
}
