import type { ServedLockd } from "../../api/lockd.ts";

/** The parts of a lockd whose calls can be gone around. */
export type Face = "keys" | "queues" | "attachments" | "queries";

/** One call: which, with what, and how to make it. */
export interface ObservedCall {
  readonly args: readonly unknown[];
  readonly run: () => unknown;
}

/** Does something before and behind a call, and answers what the call answers. */
export type Around = (call: ObservedCall) => Promise<unknown>;

type Method = (...args: readonly unknown[]) => unknown;

const faces = ["queues", "attachments", "queries"] as const;

/**
 * The same lockd with something around the calls for which `pick` answers it. All else (methods to
 * come included) goes through untouched; who observes nothing makes none of these.
 */
export function aroundLockd(
  lockd: ServedLockd,
  pick: (face: Face, method: string) => Around | undefined,
): ServedLockd {
  const replaced: Record<string, object> = {};
  for (const face of faces) {
    replaced[face] = aroundFace(lockd[face], (method) => pick(face, method), {});
  }
  return aroundFace(lockd, (method) => pick("keys", method), replaced);
}

function aroundFace<Target extends object>(
  target: Target,
  pick: (method: string) => Around | undefined,
  replaced: Readonly<Record<string, object>>,
): Target {
  const made = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_target, name) {
      const known = made.get(name);
      if (known !== undefined) return known;
      const own = typeof name === "string" ? replaced[name] : undefined;
      const value: unknown = own ?? Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as Method;
      const around = typeof name === "string" ? pick(name) : undefined;
      const wrapped =
        around === undefined
          ? method
          : (...args: readonly unknown[]) => around({ args, run: () => method(...args) });
      made.set(name, wrapped);
      return wrapped;
    },
  });
}
