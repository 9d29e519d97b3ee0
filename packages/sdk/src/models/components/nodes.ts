export interface NodesCreateLockRequest {
  model: string;
  maxNumTokens?: number | null | undefined;
  /** Seconds. */
  timeout?: number | null | undefined;
}

export interface NodesCreateLockResponse {
  /** The node's X25519 public key, 32 bytes in base64. */
  publicKey: string;
  nodeSmallId: number;
  stackSmallId: number;
  stackEntryDigest?: string;
}

export interface NodePublicAddressAssignment {
  country: string;
  nodeSmallId: number;
  publicAddress: string;
}

export interface NodesCreateRequest {
  data: NodePublicAddressAssignment;
  /** Of the BLAKE2b-256 digest of `data`, in base64. */
  signature: string;
}

export interface NodesCreateResponse {
  message: string;
}
