/** Names that the processes of a soak share. */

export const ordersQueue = "orders";

/** Keys of a kind: few, so that what is kept for each of them does not grow. */
export const keysOfKind = 20;

export function sharedKey(kind: string, at: number): string {
  return `${kind}/${at % keysOfKind}`;
}

/** Ids of transactions that are not the library's: never the same twice in a soak. */
export function soakTxnId(number: number): string {
  return `${number.toString(32).padStart(19, "0")}g`;
}
