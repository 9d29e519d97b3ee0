/** True for a ReadableStream, also of another realm or a library. */
export function isReadableStream<T = Uint8Array>(value: unknown): value is ReadableStream<T> {
  const stream = Object(value);
  return ["getReader", "cancel", "tee"].every((method) => typeof stream[method] === "function");
}
