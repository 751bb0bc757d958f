import { v7 } from "uuid";

/** A fresh correlation id: a UUIDv7. */
export function generateCorrelationId(): string {
  return v7();
}
