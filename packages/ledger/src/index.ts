export {
  type Activity,
  type ActivityCount,
  type ActivityFilter,
  type ActivityGroup,
  type ActivityPoint,
  GROUPS as ACTIVITY_GROUPS,
  type Outcome,
} from "./activity/activity.ts";
export { latencyClass } from "./activity/latency.ts";
export type { By } from "./by.ts";
export type {
  Balance,
  HoldState,
  KeyLimits,
  KeyRights,
  LimitLeft,
  LimitStatus,
  ReserveResult,
  ResolveResult,
} from "./core/types.ts";
export type { LedgerLogger } from "./engine.ts";
export {
  type InputErrorCode,
  LedgerInputError,
  LedgerInUseError,
  LedgerSchemaError,
  LedgerUnavailableError,
  type UnavailableReason,
} from "./errors.ts";
export { fileProblem } from "./file-problem.ts";
export {
  type AccountId,
  accountIdFrom,
  type HoldId,
  holdIdFrom,
  type JobId,
  jobIdFrom,
  jobIdOf,
  type KeyId,
  keyIdFrom,
  newHoldId,
  type RandomBytes,
} from "./ids.ts";
export type { ClaimedJob, DueWebhook, Job, JobEnd, JobState, Jobs, NewJob } from "./jobs/jobs.ts";
export { formatKey, hashSecret, newSecret, type ParsedKey, parseKey, verifySecret } from "./keys.ts";
export type {
  Account,
  AuditEntry,
  CreatedKey,
  Discrepancy,
  Grant,
  Health,
  Hold,
  HoldFilter,
  HoldPage,
  KeyChange,
  KeyRecord,
  Ledger,
  NewAccount,
  NewKey,
  Page,
  PriceSnapshot,
  ReserveRequest,
  StoredAuditEntry,
  SweepResult,
  UsageFilter,
  UsageRow,
  Webhook,
} from "./ledger.ts";
export { FileLockedError, lockFile } from "./lock-file.ts";
export { makeFolder } from "./make-folder.ts";
export type { Heartbeat, NewNode, NodeEntry, Nodes } from "./nodes/nodes.ts";
export { type OpenLedgerOptions, openLedger } from "./open-ledger.ts";
export { ownLedger } from "./own-ledger.ts";
export { pooledRandomBytes } from "./random.ts";
export { RESPONSE_DEFAULTS, type ResponseDefault } from "./response-default.ts";
