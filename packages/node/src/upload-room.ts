import { errors } from "@atoma/contract";

const RETRY_MS = 2_000;

/** Counts the memory that uploaded pictures take, from the first byte to the end of their answer. */
export interface UploadRoom {
  /** Largest single body. */
  readonly maxBytes: number;
  /** Takes room for a body and returns how to give it back. Throws ApiError 413 above `maxBytes`, 503 without room. */
  take(contentLength: string | undefined): () => void;
}

/** Room for `bodies` bodies of `maxBytes`; one whose length is not announced counts as the largest. */
export function uploadRoom(maxBytes: number, bodies: number): UploadRoom {
  let taken = 0;
  return {
    maxBytes,
    take: (contentLength) => {
      const bytes = Number(contentLength ?? maxBytes);
      if (bytes > maxBytes) throw errors.bodyTooLarge(maxBytes);
      if (taken + bytes > bodies * maxBytes) throw errors.uploadsFull(RETRY_MS);
      taken += bytes;
      let given = false;
      return () => {
        if (!given) taken -= bytes;
        given = true;
      };
    },
  };
}
