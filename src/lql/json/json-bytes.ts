/** Classes of bytes in JSON text, as bits of one table look-up. */
export const plainInString = 1;
export const space = 2;
export const digit = 4;
export const hexDigit = 8;
export const simpleEscape = 16;

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
  return table;
})();
