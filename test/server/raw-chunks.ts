/** Reads chunked answers as a plain old client does: by hand, from the bytes on the wire. */

/** The head of an answer, and its body with the chunk framing taken off. */
export function dechunked(heard: string): { readonly head: string; readonly body: string } {
  const at = heard.indexOf("\r\n\r\n");
  const head = heard.slice(0, at);
  let rest = heard.slice(at + 4);
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return { head, body: rest };
  let body = "";
  for (;;) {
    const line = /^([0-9a-f]+)\r\n/i.exec(rest);
    if (line === null) return { head, body };
    const size = Number.parseInt(line[1] ?? "0", 16);
    body += rest.slice(line[0].length, line[0].length + size);
    rest = rest.slice(line[0].length + size + 2);
  }
}

/** The boundary named by the answer's head. */
export function boundaryIn(head: string): string {
  return (
    /\r\nContent-Type: multipart\/related; boundary=([0-9a-f]{32,60})(\r\n|$)/.exec(head)?.[1] ?? ""
  );
}

export function headerIn(head: string, name: string): string | undefined {
  return new RegExp(`\r\n${name}: ([^\r]*)`, "i").exec(head)?.[1];
}

/** A request with a body of known length. */
export function post(path: string, body: string, headers: readonly string[] = []): string {
  const lines = [`POST ${path} HTTP/1.1`, "Host: x", `Content-Length: ${body.length}`, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${body}`;
}

/** A request whose body comes in the given chunks, each on its own. */
export function chunked(
  path: string,
  chunks: readonly string[],
  headers: readonly string[],
): string {
  const lines = [`POST ${path} HTTP/1.1`, "Host: x", "Transfer-Encoding: chunked", ...headers];
  const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
  return `${lines.join("\r\n")}\r\n\r\n${body}0\r\n\r\n`;
}
