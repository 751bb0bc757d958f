/** The bytes are not the multipart body they should be. Carriers tell it in their own words. */
export class MalformedMultipart extends Error {
  override readonly name = "MalformedMultipart";
}
