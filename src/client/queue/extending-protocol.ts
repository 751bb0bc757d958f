/** What the event loop and the thread that extends leases beside it say to each other. */
import type { ExtendRequest, ExtendResult } from "../../api/queues.ts";

/** How the thread reaches the queues by itself. */
export type ExtendingCarrier =
  | {
      readonly kind: "http";
      readonly endpoints: string | readonly string[];
      readonly shuffle: boolean | undefined;
      readonly disableMtls: boolean | undefined;
    }
  | { readonly kind: "local"; readonly store: string };

export type ExtendingOrder =
  | {
      readonly kind: "start";
      /** Of this run; a message that rested and goes on has a new one. */
      readonly id: number;
      readonly request: ExtendRequest;
      readonly periodMs: number;
      readonly correlationId: string | undefined;
    }
  | { readonly kind: "stop"; readonly id: number };

export type ExtendingNews =
  | { readonly kind: "extended"; readonly id: number; readonly result: ExtendResult }
  | {
      readonly kind: "failed";
      readonly id: number;
      readonly code: string;
      readonly message: string;
      readonly status: number | undefined;
    }
  | { readonly kind: "stopped"; readonly id: number };
