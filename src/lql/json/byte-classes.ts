/** Classes of bytes in JSON text, as bits of one table look-up. */

/** `"` and `\`: what ends a run of plain bytes inside a string. */
export const stringStop = 1;
/** `"`, braces and brackets: what counts outside strings when a value is passed over. */
export const structure = 2;
/** What may stand behind a number or a literal: a comma, a closing bracket or white space. */
export const delimiter = 4;
export const space = 8;

export const quoteByte = 0x22;
export const backslashByte = 0x5c;
export const commaByte = 0x2c;
export const colonByte = 0x3a;
export const openBraceByte = 0x7b;
export const closeBraceByte = 0x7d;
export const openBracketByte = 0x5b;
export const closeBracketByte = 0x5d;

export const byteClasses: Uint8Array = (() => {
  const table = new Uint8Array(256);
  const mark = (text: string, flag: number): void => {
    for (const byte of Buffer.from(text)) table[byte] = (table[byte] ?? 0) | flag;
  };
  mark('"\\', stringStop);
  mark('"{}[]', structure);
  mark(",}] \t\r\n", delimiter);
  mark(" \t\r\n", space);
  return table;
})();
