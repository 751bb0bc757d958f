import type {
  BodyOut,
  CasConditions,
  LeaseAddress,
  Lockd,
  LockdCall,
  StateResult,
  UpdateResult,
} from "../api/lockd.ts";
import {
  applyMutations,
  type DocumentSource,
  readsTwice,
} from "../lql/mutation/apply-mutations.ts";
import type { OpenFile } from "../lql/mutation/file-value.ts";
import type { Mutation } from "../lql/mutation/mutation.ts";
import { keepBody } from "./body-spool.ts";

export interface MutateLocal {
  readonly lease: LeaseAddress;
  readonly mutations: readonly Mutation[];
  readonly openFile: OpenFile;
  /** The conditions of the update, once the state was read. */
  readonly conditions: (fetched: StateResult) => CasConditions;
  readonly queryHidden?: boolean | undefined;
}

/**
 * Reads the state, changes it on its way through this process, and stages the result: get, apply,
 * update, all streamed. One attempt (client-sdk.md section 7).
 */
export async function mutateLocal(
  lockd: Lockd,
  { lease, mutations, openFile, conditions, queryHidden }: MutateLocal,
  call: LockdCall,
): Promise<UpdateResult> {
  const fetched = await lockd.get(lease, call);
  const document = await openDocument(fetched, mutations);
  try {
    const request = { ...lease, ...conditions(fetched), queryHidden };
    const body = applyMutations(document.source, mutations, { openFile });
    return await lockd.update(request, body, call);
  } finally {
    await document.dispose();
  }
}

interface OpenedDocument {
  readonly source: DocumentSource;
  readonly dispose: () => Promise<void>;
}

async function openDocument(
  { exists, body }: StateResult,
  mutations: readonly Mutation[],
): Promise<OpenedDocument> {
  const nothing = () => Promise.resolve();
  if (!exists) return { source: Buffer.from("{}"), dispose: nothing };
  if (body instanceof Uint8Array) return { source: body, dispose: nothing };
  if (!readsTwice(mutations)) return { source: body, dispose: () => body.close() };
  return await keptDocument(body);
}

/** What has to be looked at twice must not cross the network twice: it may have changed by then. */
async function keptDocument(stream: Exclude<BodyOut, Uint8Array>): Promise<OpenedDocument> {
  try {
    const { body, dispose } = await keepBody(stream);
    const source = body instanceof Uint8Array ? body : () => body;
    return { source, dispose };
  } finally {
    await stream.close();
  }
}
