/** Who did it, for the audit log; `system` when it is not said. */
export interface By {
  actor?: string | undefined;
}
