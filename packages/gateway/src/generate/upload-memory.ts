import { errors } from "@atoma/contract";

/** Bodies of full size that may be held at once: by one account, and together. */
const PER_ACCOUNT = 2;
const IN_ALL = 4;
const RETRY_MS = 2000;

/** Counts the memory that uploads take while they arrive and are looked at. */
export interface UploadMemory {
  /** Claims room for one body. Throws ApiError 429 when the account holds its share, 503 when there is no more. */
  claim(account: string, contentLength: string | undefined): Disposable;
}

/** `maxBytes` is the largest body; one whose length is not announced counts as that. */
export function uploadMemory(maxBytes: number): UploadMemory {
  const held = new Map<string, number>();
  let total = 0;

  const add = (account: string, bytes: number) => {
    total += bytes;
    const now = (held.get(account) ?? 0) + bytes;
    if (now === 0) held.delete(account);
    else held.set(account, now);
  };

  return {
    claim(account, contentLength) {
      const announced = Number(contentLength ?? maxBytes);
      if (announced > maxBytes) throw errors.bodyTooLarge(maxBytes);
      if ((held.get(account) ?? 0) + announced > PER_ACCOUNT * maxBytes) {
        throw errors.rateLimited("Too many uploads of this account are under way.", RETRY_MS);
      }
      if (total + announced > IN_ALL * maxBytes) throw errors.uploadsFull(RETRY_MS);
      add(account, announced);
      return { [Symbol.dispose]: () => add(account, -announced) };
    },
  };
}
