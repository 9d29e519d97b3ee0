/** Memory for pictures between a node and a client, one budget for the whole process. */
export interface PictureMemory {
  /** For the pictures of one request; disposed of, all that it holds is given back. */
  open(): RequestMemory;
  readonly usedBytes: number;
}

export interface RequestMemory extends Disposable {
  /**
   * Claims room for bytes that are about to arrive: undefined when there is room, or else a promise that resolves when it is this
   * request's turn. Where nothing else is held there is always room.
   */
  claim(bytes: number): Promise<void> | undefined;
  /** Counts bytes that are there already. */
  add(bytes: number): void;
  release(bytes: number): void;
  /** From now on `letGo` is called when others wait for room: it stores so many bytes elsewhere and lets go of them. */
  offer(bytes: number, letGo: () => Promise<void>): void;
}

interface Waiting {
  readonly bytes: number;
  readonly grant: () => void;
}

interface Offer {
  readonly bytes: number;
  readonly letGo: () => Promise<void>;
}

/**
 * Gives room in the order in which it was asked for. Where there is none, pictures that are whole go to the file store, the oldest
 * first, and what reads them goes on there. So a request that waits for room is never waited for: what it holds already is offered.
 */
export function pictureMemory(
  budgetBytes: number,
  /** A picture that could not be stored stays in memory, and is offered no more. */
  onFailure: (error: unknown) => void,
): PictureMemory {
  let used = 0;
  const waiting: Waiting[] = [];
  const offers = new Set<Offer>();
  let lettingGo = 0;

  const fits = (bytes: number) => used === 0 || used + bytes <= budgetBytes;

  function grantNext(): void {
    for (let next = waiting[0]; next && fits(next.bytes); next = waiting[0]) {
      waiting.shift();
      used += next.bytes;
      next.grant();
    }
  }

  function giveBack(bytes: number): void {
    used -= bytes;
    grantNext();
  }

  /** Has as much let go of as the one that waits first needs. */
  function makeRoom(): void {
    const [first] = waiting;
    if (!first) return;
    let missing = used - lettingGo + first.bytes - budgetBytes;
    for (const offer of offers) {
      if (missing <= 0) return;
      offers.delete(offer);
      missing -= offer.bytes;
      lettingGo += offer.bytes;
      offer
        .letGo()
        .catch(onFailure)
        .finally(() => {
          lettingGo -= offer.bytes;
          makeRoom();
        });
    }
  }

  return {
    get usedBytes() {
      return used;
    },
    open() {
      let held = 0;
      let closed = false;
      const own = new Set<Offer>();
      const ownWaiting = new Set<Waiting>();

      function release(bytes: number): void {
        if (closed) return;
        held -= bytes;
        giveBack(bytes);
      }

      return {
        claim(bytes) {
          if (waiting.length === 0 && fits(bytes)) {
            held += bytes;
            used += bytes;
            return undefined;
          }
          return new Promise((resolve) => {
            const entry: Waiting = {
              bytes,
              grant() {
                ownWaiting.delete(entry);
                held += bytes;
                resolve();
              },
            };
            ownWaiting.add(entry);
            waiting.push(entry);
            makeRoom();
          });
        },
        add(bytes) {
          if (closed) return;
          held += bytes;
          used += bytes;
        },
        release,
        offer(bytes, letGo) {
          if (closed) return;
          const offer: Offer = {
            bytes,
            async letGo() {
              own.delete(offer);
              await letGo();
              release(bytes);
            },
          };
          own.add(offer);
          offers.add(offer);
          makeRoom();
        },
        [Symbol.dispose]() {
          if (closed) return;
          closed = true;
          for (const offer of own) offers.delete(offer);
          for (const entry of ownWaiting) waiting.splice(waiting.indexOf(entry), 1);
          giveBack(held);
        },
      };
    },
  };
}
