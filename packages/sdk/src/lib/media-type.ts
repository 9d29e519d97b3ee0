/** The first bytes of each format in base64, so that a picture that came in it need not be decoded to be known. */
const SIGNATURES = {
  png: /^iVBORw/,
  jpeg: /^\/9j/,
  webp: /^UklG.{7}XRUJQ/,
  gif: /^R0lGOD/,
  avif: /^.{6}Z0eXBhdml/,
};

/**
 * The media type that a picture's first 12 bytes show; undefined when they are of no known format.
 * @param base64 at least the first 16 characters
 */
export function sniffMediaType(base64: string): string | undefined {
  for (const [format, signature] of Object.entries(SIGNATURES)) {
    if (signature.test(base64)) return `image/${format}`;
  }
  return undefined;
}
