import type { GenerationEvent } from "@atoma/contract";
import { Encoder } from "cbor-x";
import { publicError } from "./error-event.ts";

export const CBOR_SEQUENCE = "application/cbor-seq";

// Plain maps and untagged byte strings, which any decoder of RFC 8949 reads.
const encoder = new Encoder({ useRecords: false, tagUint8Array: false });

function encode(event: GenerationEvent): Uint8Array {
  const present = Object.entries(event).filter(([, value]) => value !== undefined);
  return encoder.encode(Object.fromEntries(present));
}

/**
 * A CBOR sequence (RFC 8742) of GenerationEvents, pictures as byte strings. A failure is its last event:
 * `{ type: "error", code, message }`.
 */
export async function* cborAnswer(
  events: AsyncIterable<GenerationEvent>,
  onError: (error: unknown) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const event of events) yield encode(event);
  } catch (error) {
    onError(error);
    const { code, type, message } = publicError(error);
    yield encode({ type: "error", code: code ?? type, message });
  }
}
