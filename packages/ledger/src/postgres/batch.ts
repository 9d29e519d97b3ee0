import { DatabaseError } from "pg";
import type { Operation, OperationResult, ReserveOperation, SettleOperation, VoidOperation } from "../core/types.ts";
import type { Row } from "../sql/rows.ts";
import { answerFrom, reserved, resolved } from "./answer.ts";
import { batchParameters } from "./parameters.ts";

const PARAMETERS = 31;
export const APPLY_BATCH = `SELECT apply_batch(${Array.from({ length: PARAMETERS }, (_, index) => `$${index + 1}`).join(", ")}) AS answer`;

const UNIQUE_VIOLATION = "23505";

type Resolution = SettleOperation | VoidOperation;

/**
 * Operations in rounds to be applied one after another, none with the same hold id twice: such a pair must be decided one
 * after the other, and the batch function decides on what was there before it. Nearly always one round.
 */
function roundsOf<Kind extends Operation>(operations: readonly Kind[]): Kind[][] {
  const rounds: Kind[][] = [];
  let round: Kind[] = [];
  let holdIds = new Set<string>();
  for (const operation of operations) {
    if (holdIds.has(operation.holdId)) {
      rounds.push(round);
      round = [];
      holdIds = new Set();
    }
    holdIds.add(operation.holdId);
    round.push(operation);
  }
  return [...rounds, round];
}

/** Calls `apply_batch` with parameters and gives its answer. */
export type CallBatch = (parameters: (number | string | null)[]) => Promise<Row>;

/** Applies a batch: all settlements and releases, the last of them with the first of the reservations. A result for each, in order. */
export async function applyBatch(
  call: CallBatch,
  operations: readonly Operation[],
  now: number,
  retentionMs: number,
): Promise<OperationResult[]> {
  const results = new Map<Operation, OperationResult>();

  async function applyRound(resolutions: readonly Resolution[], reservations: readonly ReserveOperation[]) {
    const { parameters, numbered } = batchParameters(reservations, resolutions);
    const ask = (mayExist: boolean) => call([now, retentionMs, String(mayExist), ...parameters]);
    const row = await ask(false).catch((error: unknown) => {
      if (error instanceof DatabaseError && error.code === UNIQUE_VIOLATION) return ask(true);
      throw error;
    });
    const answer = answerFrom(row);
    resolved(answer, resolutions).forEach((result, index) => {
      results.set(resolutions[index] as Resolution, result);
    });
    reserved(answer, numbered, now).forEach((result, index) => {
      results.set(reservations[index] as ReserveOperation, result);
    });
  }

  const resolutionRounds = roundsOf(operations.filter((operation) => operation.kind !== "reserve"));
  const reservationRounds = roundsOf(operations.filter((operation) => operation.kind === "reserve"));
  const lastResolutions = resolutionRounds.pop() ?? [];
  for (const round of resolutionRounds) await applyRound(round, []);
  await applyRound(lastResolutions, reservationRounds.shift() ?? []);
  for (const round of reservationRounds) await applyRound([], round);
  return operations.map((operation) => {
    const result = results.get(operation);
    if (result === undefined) throw new Error(`the database gave no result for a ${operation.kind}`);
    return result;
  });
}
