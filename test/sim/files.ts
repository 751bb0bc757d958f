/** The attachments of a key as text: equal exactly when they are, and short. */

/** `name=first digits of the SHA-256`, sorted, each followed by a semicolon. */
export type Files = string;

/** Digits of a sum that tell the uploads of a run apart. */
const digits = 10;

export function filesText(entries: readonly (readonly [string, string])[]): Files {
  return [...entries]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, sum]) => `${name}=${sum.slice(0, digits)};`)
    .join("");
}

function entriesOf(files: Files): (readonly [string, string])[] {
  return files
    .split(";")
    .filter((entry) => entry !== "")
    .map((entry) => {
      const at = entry.indexOf("=");
      return [entry.slice(0, at), entry.slice(at + 1)] as const;
    });
}

/** First digits of the sum under a name; "" when there is none. */
export function sumOf(files: Files, name: string): string {
  return entriesOf(files).find(([other]) => other === name)?.[1] ?? "";
}

export function shortSum(sum: string): string {
  return sum.slice(0, digits);
}

export function withFile(files: Files, name: string, sum: string): Files {
  return filesText([...entriesOf(without(files, name)), [name, sum]]);
}

export function without(files: Files, name: string): Files {
  return filesText(entriesOf(files).filter(([other]) => other !== name));
}

export function countOf(files: Files): number {
  return entriesOf(files).length;
}
