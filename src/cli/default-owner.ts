import { hostname } from "node:os";

/** `<hostname>-<pid>`: says which process of which machine holds the key. */
export function defaultOwner(): string {
  const host = hostname();
  return host === "" ? `lockd-${process.pid}` : `${host}-${process.pid}`;
}
