import type { By } from "../by.ts";

/** A node as the gateways of this ledger know it. */
export interface NodeEntry {
  readonly name: string;
  /** Null: it has not joined yet, or the entry only marks a node of a configuration file. */
  readonly url: string | null;
  readonly dialect: string;
  /** The gateways' own credential there. */
  readonly token: string | null;
  /** JSON: what a node that cannot say it itself serves. */
  readonly models: string | null;
  readonly maxConcurrent: number | null;
  /** An operator wants it to get nothing new. */
  readonly draining: boolean;
  /** It said itself that it is about to stop. */
  readonly leaving: boolean;
  /** Whether it joins with a credential of its own. */
  readonly joins: boolean;
  /** When it is gone unless it says that it is still there; null: it stays. */
  readonly expiresAt: number | null;
  readonly createdAt: number;
}

export interface NewNode {
  readonly name: string;
  readonly url: string;
  readonly dialect: string;
  readonly token?: string | undefined;
  readonly models?: string | undefined;
  readonly maxConcurrent?: number | undefined;
}

/** What a node that joins says of itself. */
export interface Heartbeat {
  readonly url: string;
  readonly token: string | undefined;
  readonly leaving: boolean;
}

/** The nodes that all gateways of a ledger share. Administrative changes are in the audit log. */
export interface Nodes {
  /** All entries by name, also those that have not joined or are gone. */
  list(): Promise<NodeEntry[]>;
  /** Throws LedgerInputError `node_exists`. */
  add(node: NewNode, by?: By): Promise<NodeEntry>;
  /** An entry for a node that will join: its credential, shown here only. Throws LedgerInputError `node_exists`. */
  expect(name: string, by?: By): Promise<{ readonly token: string; readonly node: NodeEntry }>;
  /** Marks a node, also one that is in no entry, or takes the mark away. */
  setDraining(name: string, draining: boolean, by?: By): Promise<void>;
  /** Its credential is worth nothing any more. Throws LedgerInputError `node_not_found`. */
  remove(name: string, by?: By): Promise<void>;
  /** A node that joins is there until `expiresAt`. Undefined when nobody expects a node with this credential. */
  heartbeat(token: string, beat: Heartbeat, expiresAt: number): Promise<NodeEntry | undefined>;
}
