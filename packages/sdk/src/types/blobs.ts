/** True for a Blob or a File, also of another realm or a library. */
export function isBlobLike(value: unknown): value is Blob {
  if (value instanceof Blob) return true;
  const { [Symbol.toStringTag]: tag, stream } = Object(value);
  return (tag === "Blob" || tag === "File") && typeof stream === "function";
}
