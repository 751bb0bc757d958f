/** A header value of the form `main; name=token; other="quoted \" text"`. */
export interface HeaderValue {
  /** Trimmed and in lower case. */
  readonly main: string;
  /** Names in lower case; the first of equal ones wins. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** One parameter: its name, then a quoted or a plain value. */
const parameter = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))[ \t]*/gy;

/** Undefined when the value does not follow the grammar. */
export function parseHeaderValue(text: string): HeaderValue | undefined {
  const semicolon = text.indexOf(";");
  const main = (semicolon === -1 ? text : text.slice(0, semicolon)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  if (semicolon === -1) return { main, parameters };
  parameter.lastIndex = semicolon;
  let end = semicolon;
  for (let match = parameter.exec(text); match !== null; match = parameter.exec(text)) {
    end = parameter.lastIndex;
    const [, name = "", quoted, plain = ""] = match;
    const value = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  // A semicolon with nothing behind it is common and harmless.
  return /^[;\s]*$/.test(text.slice(end)) ? { main, parameters } : undefined;
}
