/**
 * Makes two recordings of one session equal: ids become stable ones in the order in which they
 * appear, times one instant, and this machine a machine of nobody. What lockd decides (versions,
 * tokens, etags, words) stays as it was.
 */
import { hostname } from "node:os";
import path from "node:path";

/** 2026-11-24T12:00:00Z */
const instant = { iso: "2026-11-24T12:00:00Z", unixSeconds: "1795521600" };

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const xid = /\b(?=[0-9a-v]*[0-9])[0-9a-v]{19}[0g]\b/g;
/** A store is named by its first path, and each session has a home of its own. */
const storeHash = /(?<="backend_hash": ?")[0-9a-f]{64}/g;
const isoTime = /\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const clockTime = /\b\d\d:\d\d:\d\d(\.\d{3})?(?=Z|\b)/g;
/** Seconds or milliseconds since 1970, this decade and the next. */
const unixTime = /\b(1[7-9]|2[01])\d{8}(\d{3})?\b/g;
/** A duration as people read it: `1.2s`, `29s`, `1m 03s`. */
const remaining = /\b(in|until|within) \d+(\.\d+)?m?s\b/g;
/** Members of JSON that measure time. */
const measured = /("[a-z_]*_(?:ms|age_seconds)": ?)[\d.]+/g;
const passed = /\b\d+(\.\d+)?m?s ago\b/g;
const refusedFor = /\b(retry after|another) \d+( ?)s\b/g;
const minutesLeft = /\b\d+m \d\ds\b/g;
/** A column of ages at the end of a line of a table. */
const lastColumn = /( {2,})\d+s$/gm;
/** A store whose path had to be shortened to the width of a column. */
const shortenedStore = /disk:\/\/[^\s…]*…\/\.lockd\/store/g;

/** Each distinct match becomes the text made of its number. */
function numbered(text: string, pattern: RegExp, make: (number: number) => string): string {
  const known = new Map<string, string>();
  return text.replace(pattern, (found) => {
    const name = known.get(found) ?? make(known.size + 1);
    known.set(found, name);
    return name;
  });
}

function padded(number: number, length: number): string {
  return String(number).padStart(length, "0");
}

/** The text without what differs from run to run; `home` is where the session lived. */
export function normalised(text: string, home: string): string {
  const host = hostname().replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const placed = text
    .replaceAll(path.join(home, "tmp"), "/tmp")
    .replaceAll(home, "/home/ada")
    .replace(new RegExp(`\\b${host}-\\d+\\b`, "g"), "laptop-4711");
  const timed = placed
    .replace(isoTime, instant.iso)
    .replace(unixTime, (_, __, ms) => instant.unixSeconds + (ms === undefined ? "" : "000"))
    .replace(clockTime, (found) => (found.includes(".") ? "12:00:00.000" : "12:00:00"))
    .replace(
      measured,
      (_, name: string) => `${name}${name.includes("unix") ? `${instant.unixSeconds}000` : "1000"}`,
    )
    .replace(remaining, "$1 29s")
    .replace(passed, "1s ago")
    .replace(refusedFor, "$1 29$2s")
    .replace(minutesLeft, "9m 58s")
    .replace(lastColumn, "$10s")
    .replace(
      shortenedStore,
      (found) => `disk:///home/${"…".padStart(found.length - 27, "a")}/.lockd/store`,
    );
  const named = numbered(timed, uuid, (n) => `019ab0c0-0000-7000-8000-${padded(n, 12)}`);
  const stored = numbered(named, storeHash, (n) => padded(n, 64));
  return numbered(stored, xid, (n) => `d4c0000000000000${padded(n, 3)}0`);
}
