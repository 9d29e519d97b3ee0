/** First bytes of each format; a dot is any byte. */
const SIGNATURES = [
  [/^\x89PNG\r\n/, "image/png"],
  [/^\xff\xd8\xff/, "image/jpeg"],
  [/^RIFF....WEBP/s, "image/webp"],
  [/^GIF8[79]a/, "image/gif"],
  [/^....ftypavi[fs]/s, "image/avif"],
] as const;

/** The media type that the first 12 bytes of a picture show; undefined when they are of no known format. */
export function sniffMediaType(bytes: Uint8Array): string | undefined {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  return SIGNATURES.find(([signature]) => signature.test(head))?.[1];
}
