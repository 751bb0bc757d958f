/**
 * Names of what is stored, as a completion wants them. Never walks over everything: a page of names
 * when they fit into the answer, else one look-up for each beginning that they have in common.
 */
import { failure } from "../../api/errors.ts";
import { normalizeNamespace } from "../../api/names.ts";
import {
  type NameKind,
  type NamesAnswer,
  type NamesRequest,
  nameKinds,
  namesDefault,
  namesMax,
} from "../../api/observation.ts";
import type { EngineOptions } from "../options.ts";
import type { Store } from "../ports/store.ts";
import { isInternalKey } from "../query/committed-view.ts";
import { deadLetterPrefix, messagePrefix } from "../queue/message.ts";
import { recordPrefix } from "../record/key-record.ts";
import { callStore } from "../store-failure.ts";
import { txnPrefix } from "../txn/txn-record.ts";

/** Sorts behind every character a name may have. */
const behindAllNames = "\u{10ffff}";

/** Characters of a prefix; longer than any name. */
const prefixLengthMax = 256;

interface Look {
  readonly store: Store;
  /** Where the names of this kind stand in the store. */
  readonly roots: readonly string[];
  readonly prefix: string;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws invalid_observation, invalid_namespace */
export async function storedNames(
  { store, defaultNamespace }: Pick<EngineOptions, "store" | "defaultNamespace">,
  request: NamesRequest,
  signal: AbortSignal | undefined,
): Promise<NamesAnswer> {
  const kind = checkKind(request.kind);
  const { limit = namesDefault, prefix = "" } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > namesMax) {
    throw failure("invalid_observation", `1 to ${namesMax} names can be asked for, not ${limit}`);
  }
  if (prefix.length > prefixLengthMax) {
    const detail = `no name starts with more than ${prefixLengthMax} characters`;
    throw failure("invalid_observation", detail);
  }
  const namespace = normalizeNamespace(request.namespace, defaultNamespace);
  const roots = rootsOf(kind, namespace);
  const look = { store, roots, prefix: prefix.toLowerCase(), limit, signal };
  return kind === "key" ? await keyNames(look) : await firstSegments(look);
}

function checkKind(text: string | undefined): NameKind {
  const kind = nameKinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw failure("invalid_observation", `names are of one of ${nameKinds.join(", ")}`);
}

function rootsOf(kind: NameKind, namespace: string): readonly string[] {
  if (kind === "key") return [`${recordPrefix}${namespace}/`];
  if (kind === "txn") return [txnPrefix];
  if (kind === "namespace") return [recordPrefix, messagePrefix, deadLetterPrefix];
  return [`${messagePrefix}${namespace}/`, `${deadLetterPrefix}${namespace}/`];
}

/** Whole keys when all of them fit, else their common beginnings. */
async function keyNames(look: Look): Promise<NamesAnswer> {
  const { store, roots, prefix, limit } = look;
  const [root = ""] = roots;
  const page = await callStore(() => store.list(root + prefix, { limit }));
  if (page.more) return await segments(look, (segment) => segment);
  const keys = page.names.map((name) => name.slice(root.length));
  return { names: keys.filter((key) => !isInternalKey(key)), more: false };
}

/** What stands in front of the first slash. */
function firstSegments(look: Look): Promise<NamesAnswer> {
  return segments(look, (segment) => segment.replace(/\/$/, ""));
}

async function segments(
  { store, roots, prefix, limit, signal }: Look,
  nameOf: (segment: string) => string,
): Promise<NamesAnswer> {
  const found = new Set<string>();
  for (const root of roots) {
    let after: string | undefined;
    // One more than the limit tells whether there are more.
    for (let looks = 0; looks <= limit; looks += 1) {
      signal?.throwIfAborted();
      const options = { limit: 1, ...(after === undefined ? {} : { after }) };
      const { names } = await callStore(() => store.list(root + prefix, options));
      const name = names[0]?.slice(root.length);
      if (name === undefined) break;
      const slash = name.indexOf("/", prefix.length);
      const segment = slash === -1 ? name : name.slice(0, slash + 1);
      if (!isInternalKey(segment)) found.add(nameOf(segment));
      after = root + segment + (slash === -1 ? "" : behindAllNames);
    }
  }
  const names = [...found].sort();
  return { names: names.slice(0, limit), more: names.length > limit };
}
