/** The bytes are not the multipart body they should be. Carriers tell it in their own words. */
export class MalformedMultipart extends Error {
  override readonly name: string = "MalformedMultipart";
}

/** It ended before its last delimiter. */
export class TruncatedMultipart extends MalformedMultipart {
  override readonly name = "TruncatedMultipart";
}
