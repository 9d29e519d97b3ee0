/** The first bytes of each format in base64, so that a picture that came in it need not be decoded to be known. */
const SIGNATURES = [
  [/^iVBORw0K/, "png"],
  [/^\/9j\//, "jpeg"],
  [/^UklG.{7}XRUJQ/, "webp"],
  [/^R0lGODdh|^R0lGODlh/, "gif"],
  [/^.{6}Z0eXBhdml[mz]/, "avif"],
] as const;

/**
 * The media type that a picture's first 12 bytes show; undefined when they are of no known format.
 * @param base64 at least the first 16 characters
 */
export function sniffMediaType(base64: string): string | undefined {
  const format = SIGNATURES.find(([signature]) => signature.test(base64))?.[1];
  return format && `image/${format}`;
}
