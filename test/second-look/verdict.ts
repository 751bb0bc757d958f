/**
 * Which failures of a run get a second look, alone (docs/decisions/0012-second-look.md). Cases that
 * wait for real processes and a real clock can fail because a busy machine held them up. Whatever
 * does not, whatever found lockd unsafe, and many failures at once, are failures.
 */

/** What vitest's JSON report has of a file. */
export interface FileResult {
  readonly name: string;
  readonly status: string;
  readonly message?: string | undefined;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages?: readonly string[] | null | undefined;
  }[];
}

/** Failed cases of which there may be a second look; more have a cause in common. */
export const secondLooksMax = 3;

/** How the message of an error begins by which lockd would be unsafe, however busy the machine. */
export const unsafe = "UNSAFE: ";

/** Folders of `test/` in which nothing depends on a real clock, process or socket. */
const withoutClock = [
  "api",
  "bytes",
  "cli",
  "devenv",
  "engine",
  "ids",
  "indexing",
  "lql",
  "multipart",
  "second-look",
  "sim",
];

export type Verdict =
  | { readonly kind: "failed"; readonly why: string }
  | { readonly kind: "look again"; readonly files: readonly string[]; readonly cases: string[] };

/** @param root the folder `test/`, absolute */
export function verdictOf(results: readonly FileResult[], root: string): Verdict {
  const failed = results.filter(({ status }) => status === "failed");
  const cases: string[] = [];
  for (const file of failed) {
    const inside = file.name.slice(root.length + 1);
    const those = file.assertionResults.filter(({ status }) => status === "failed");
    if (those.length === 0) return { kind: "failed", why: `${inside} could not be run` };
    const folder = inside.split("/")[0] ?? "";
    if (withoutClock.includes(folder)) return { kind: "failed", why: `${inside} has no clock` };
    for (const one of those) {
      if (one.failureMessages?.some((text) => text.includes(unsafe))) {
        return { kind: "failed", why: `${one.fullName}: found something unsafe` };
      }
      cases.push(`${inside} > ${one.fullName}`);
    }
  }
  if (cases.length === 0) return { kind: "failed", why: "an error outside of any case" };
  if (cases.length > secondLooksMax) return { kind: "failed", why: `${cases.length} cases failed` };
  return { kind: "look again", files: failed.map(({ name }) => name), cases };
}
