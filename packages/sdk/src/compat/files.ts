/** All the bytes of a stream. Rejects with what the stream breaks with. */
export function readableStreamToArrayBuffer(readable: ReadableStream<Uint8Array>): Promise<ArrayBuffer> {
  return new Response(readable as BodyInit).arrayBuffer(); // every library of types has the one, not each knows it as the other
}

/** As `atoma-sdk` exports it. */
export const files = { readableStreamToArrayBuffer };
