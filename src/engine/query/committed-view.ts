/**
 * What a query sees of a key record: its committed half, read without building the rest. A scan
 * looks at every record of a namespace, so this is the cheapest way to look at one.
 */
import { type CommittedHeader, readCommitted } from "../record/record-codec.ts";

/** A published document and where its bytes are. */
export type CommittedDocument =
  | { readonly kind: "inline"; readonly version: number; readonly bytes: Uint8Array }
  | {
      readonly kind: "object";
      readonly version: number;
      readonly name: string;
      readonly size: number;
    };

/** `q/<queue>/msg/<id>` and `q/<queue>/state/<id>` belong to the queues. */
const queueKey = /^q\/[^/]+\/(msg|state)\/[^/]+$/;

const internalPrefix = "lockd-diagnostics/";

/** True for keys that no query ever shows, whatever they hold (section 13). */
export function isInternalKey(key: string): boolean {
  return key.startsWith(internalPrefix) || (key.startsWith("q/") && queueKey.test(key));
}

/**
 * The document a query may return, or undefined when the key has none to show: nothing published,
 * removed, or hidden.
 * @throws StoreFailure "corrupt"
 */
export function visibleDocument(name: string, stored: Uint8Array): CommittedDocument | undefined {
  const { version, queryHidden, state, inline } = readCommitted(name, stored);
  if (queryHidden || version === 0 || state === undefined) return undefined;
  return documentOf(version, state, inline);
}

function documentOf(
  version: number,
  { size, object }: NonNullable<CommittedHeader["state"]>,
  inline: Uint8Array,
): CommittedDocument {
  return object === 0
    ? { kind: "inline", version, bytes: inline.length === size ? inline : inline.subarray(0, size) }
    : { kind: "object", version, name: object, size };
}
