/** Bytes. Smaller pieces may share their memory with others, and are not worth the call. */
const freedBytesMin = 4096;

/**
 * Gives memory back at once. Nobody may look at these bytes any more, also no call in progress. A
 * piece of something larger is left alone.
 *
 * V8 frees the memory of buffers only when some 64 MiB of them have come together: a server through
 * which a long body flows would grow by as much.
 *
 * @example freeBytes(chunk); // all of it was copied
 */
export function freeBytes({ buffer, length }: Uint8Array): void {
  if (length < freedBytesMin || buffer.byteLength !== length) return;
  // Nothing else takes the memory from a buffer: it moves into a new one, of which none is left.
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
