/** Bounds of multipart bodies. */

/** Bytes of one part's headers; real ones have about a hundred. */
export const partHeaderBytesMax = 16 * 1024;

/** Bytes before the first delimiter, which nobody needs. */
export const preambleBytesMax = 4 * 1024;

/** Characters of a boundary (RFC 2046). */
export const boundaryLengthMax = 70;

/** Spaces and tabs between a delimiter and its line end. */
export const paddingBytesMax = 128;
