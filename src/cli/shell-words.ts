/** Assignments for `eval "$(lockd ...)"` (cli.md section 6). */

const plain = /^[A-Za-z0-9_./:@%+,=-]*$/;

/** `export NAME="value"`, or single quotes around anything a shell would touch. */
export function exportLine(name: string, value: string | number): string {
  const text = String(value);
  return plain.test(text)
    ? `export ${name}="${text}"`
    : `export ${name}='${text.replaceAll("'", "'\\''")}'`;
}

export function unsetLine(name: string): string {
  return `unset ${name}`;
}

/** One word for a command that people type: quoted only when a shell would touch it. */
export function shellWord(text: string): string {
  return text !== "" && plain.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
