import { checkInteger, checkName, checkPrice, checkText, checkTime, checkVisible } from "./arguments.ts";
import type {
  Operation,
  OperationResult,
  Rejection,
  ReserveOperation,
  ReserveResult,
  ResolveResult,
} from "./core/types.ts";
import { LedgerInputError } from "./errors.ts";
import { accountIdFrom, holdIdFrom, keyIdFrom } from "./ids.ts";
import type { Ledger, ReserveRequest } from "./ledger.ts";

/** The response a settlement keeps for its idempotency key: fields and references to files, never pictures. */
const MAX_RESPONSE = 65_536;
const MAX_IMAGES = 1_000;

function reserveOperation(request: ReserveRequest): ReserveOperation {
  const { idempotency } = request;
  return {
    kind: "reserve",
    holdId: holdIdFrom(request.holdId),
    accountId: accountIdFrom(request.accountId),
    keyId: keyIdFrom(request.keyId),
    requestId: checkName("requestId", request.requestId, 128),
    model: checkName("model", request.model, 256),
    images: checkInteger("images", request.images, 1, MAX_IMAGES),
    units: checkInteger("units", request.units, 1),
    price: checkPrice(request.price),
    deadline: checkTime("deadline", request.deadline),
    idempotency:
      idempotency === undefined
        ? null
        : {
            key: checkVisible("idempotency key", idempotency.key, 255),
            fingerprint: checkVisible("idempotency fingerprint", idempotency.fingerprint, 128),
          },
  };
}

function rejection(result: Rejection): LedgerInputError {
  return result.code === "hold_id_reused"
    ? new LedgerInputError("hold_id_reused", "the hold id names another reservation")
    : new LedgerInputError("units_exceed_hold", `more units than the ${result.held} that are held`);
}

function isResolve(result: OperationResult): result is ResolveResult {
  return ["posted", "voided", "expired", "not_found"].includes(result.outcome);
}

function isReserve(result: OperationResult): result is ReserveResult {
  return result.outcome !== "rejected" && !isResolve(result);
}

function mismatch(operation: Operation, result: OperationResult): Error {
  return new Error(`the ledger answered ${operation.kind} with ${result.outcome}`);
}

/** Reserve, settle and void, checked, over whatever takes one operation and gives its result. */
export function ledgerOperations(
  submit: (operation: Operation) => Promise<OperationResult>,
): Pick<Ledger, "reserve" | "settle" | "void"> {
  async function resolve(operation: Operation): Promise<ResolveResult> {
    const result = await submit(operation);
    if (result.outcome === "rejected") throw rejection(result);
    if (!isResolve(result)) throw mismatch(operation, result);
    return result;
  }

  return {
    async reserve(request) {
      const operation = reserveOperation(request);
      const result = await submit(operation);
      if (result.outcome === "rejected") throw rejection(result);
      if (!isReserve(result)) throw mismatch(operation, result);
      return result;
    },
    async settle({ holdId, units, response }) {
      return resolve({
        kind: "settle",
        holdId: holdIdFrom(holdId),
        units: checkInteger("units", units, 1),
        response: response === undefined ? null : checkText("response", response, MAX_RESPONSE),
      });
    },
    async void({ holdId }) {
      return resolve({ kind: "void", holdId: holdIdFrom(holdId) });
    },
  };
}
