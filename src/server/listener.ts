/** Opens one listening socket and closes it again. */
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import type { Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { failure } from "../api/errors.ts";
import { backlogMax } from "./limits.ts";

export type ListenerAddress =
  | {
      readonly proto: "tcp" | "tcp4" | "tcp6";
      /** Empty: all addresses. */
      readonly host: string;
      readonly port: number;
    }
  | { readonly proto: "unix"; readonly path: string };

/** Where a listener can be reached, as an endpoint text. */
export async function listen(server: Server, address: ListenerAddress): Promise<string> {
  if (address.proto === "unix") await removeStaleSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(bindError(address, error)));
    server.listen(listenOptions(address), resolve);
  });
  if (address.proto === "unix") {
    chmodSync(address.path, 0o600);
    return `unix://${address.path}`;
  }
  const { address: host, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${host}]` : host}:${port}`;
}

function listenOptions(address: ListenerAddress) {
  if (address.proto === "unix") return { path: address.path, backlog: backlogMax };
  const { host, port, proto } = address;
  const any = proto === "tcp4" ? "0.0.0.0" : "::";
  return {
    port,
    host: host === "" ? any : host,
    backlog: backlogMax,
    ipv6Only: proto === "tcp6",
  };
}

function bindError(address: ListenerAddress, error: Error): Error {
  const where = address.proto === "unix" ? address.path : `${address.host}:${address.port}`;
  return failure("listen_failed", `cannot listen on ${where}: ${error.message}`, { cause: error });
}

/** Removes a socket file nobody answers on; one that is in use is left for bind to refuse. */
async function removeStaleSocket(path: string): Promise<void> {
  let isSocket: boolean;
  try {
    isSocket = lstatSync(path).isSocket();
  } catch {
    return;
  }
  if (isSocket && !(await answers(path))) unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
