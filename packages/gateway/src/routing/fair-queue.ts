export interface Queued {
  readonly account: string;
}

/** A line of bounded length in which accounts take turns, however many requests each has in it. */
export interface FairQueue<T extends Queued> {
  readonly size: number;
  /**
   * Puts one in, at the end of its account's own line, or at its head. Gives what had to leave for it because the queue is
   * full: the last of the account that has most in it, which may be the new one itself.
   */
  add(item: T, where: "last" | "first"): T | undefined;
  delete(item: T): boolean;
  /** Takes the first that `wanted` accepts, asking accounts in turn; the account that got something goes to the end. */
  take(wanted: (item: T) => boolean): T | undefined;
  [Symbol.iterator](): Iterator<T>;
}

export function fairQueue<T extends Queued>(maxSize: number): FairQueue<T> {
  /** In the order of their turns. */
  const lines = new Map<string, T[]>();
  let size = 0;

  function remove(account: string, line: T[], at: number): T | undefined {
    const [item] = line.splice(at, 1);
    if (item !== undefined) size--;
    if (line.length === 0) lines.delete(account);
    return item;
  }

  function evict(): T | undefined {
    let longest: [string, T[]] | undefined;
    for (const entry of lines) {
      // Of lines of one length the youngest gives way, so that a newcomer does not push out who waits as long.
      if (!longest || entry[1].length >= longest[1].length) longest = entry;
    }
    return longest && remove(longest[0], longest[1], longest[1].length - 1);
  }

  return {
    get size() {
      return size;
    },
    add(item, where) {
      const line = lines.get(item.account) ?? [];
      lines.set(item.account, line);
      if (where === "first") line.unshift(item);
      else line.push(item);
      size++;
      return size > maxSize ? evict() : undefined;
    },
    delete(item) {
      const line = lines.get(item.account);
      const at = line?.indexOf(item) ?? -1;
      if (!line || at < 0) return false;
      remove(item.account, line, at);
      return true;
    },
    take(wanted) {
      for (const [account, line] of lines) {
        const at = line.findIndex(wanted);
        if (at < 0) continue;
        const item = remove(account, line, at);
        if (lines.delete(account)) lines.set(account, line);
        return item;
      }
      return undefined;
    },
    *[Symbol.iterator]() {
      for (const line of lines.values()) yield* line;
    },
  };
}
