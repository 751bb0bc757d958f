/** Classes of bytes in JSON text, as bits of one table look-up. */
export const plainInString = 1;
export const space = 2;
export const digit = 4;
export const hexDigit = 8;
export const simpleEscape = 16;
/** `"` and `\`: what ends a run of content inside a string of valid JSON. */
export const stringStop = 32;
/** `"`, braces and brackets: what counts outside strings when a value is passed over. */
export const structure = 64;
/** What may stand behind a number or a literal: a comma, a closing bracket or white space. */
export const delimiter = 128;

export const quoteByte = 0x22;
export const backslashByte = 0x5c;
export const commaByte = 0x2c;
export const colonByte = 0x3a;
export const openBraceByte = 0x7b;
export const closeBraceByte = 0x7d;
export const openBracketByte = 0x5b;
export const closeBracketByte = 0x5d;

/** Flags a byte; every byte from 0x20 on except quote and backslash is plain inside a string. */
export const byteClasses: Uint8Array = (() => {
  const table = new Uint8Array(256).fill(plainInString, 0x20);
  table[0x22] = 0;
  table[0x5c] = 0;
  const mark = (text: string, flag: number): void => {
    for (const byte of Buffer.from(text)) table[byte] = (table[byte] ?? 0) | flag;
  };
  mark(" \t\n\r", space);
  mark("0123456789", digit | hexDigit);
  mark("abcdefABCDEF", hexDigit);
  mark('"\\/bfnrt', simpleEscape);
  mark('"\\', stringStop);
  mark('"{}[]', structure);
  mark(",}] \t\n\r", delimiter);
  return table;
})();
