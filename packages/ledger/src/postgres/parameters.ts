import type { ReserveOperation, SettleOperation, VoidOperation } from "../core/types.ts";
import { idArray, numberArray, textArray } from "./arrays.ts";

/** Reservations in the order they are decided, with what several of them share named once. Numbers count from 1. */
export interface Numbered {
  reservations: readonly ReserveOperation[];
  accountNos: readonly number[];
  keyNos: readonly number[];
  rightNos: readonly number[];
}

/** Different things in the order they first came, each with its number from 1. */
function numbering<Thing>() {
  const numbers = new Map<string, number>();
  const things: Thing[] = [];
  return {
    things,
    of(name: string, thing: () => Thing): number {
      const known = numbers.get(name);
      if (known !== undefined) return known;
      numbers.set(name, things.push(thing()));
      return things.length;
    },
  };
}

/** The parameters of `apply_batch` but `may_exist`, in their order, and the numbers that its answer refers to. */
export function batchParameters(
  reservations: readonly ReserveOperation[],
  resolutions: readonly (SettleOperation | VoidOperation)[],
): { parameters: (string | null)[]; numbered: Numbered } {
  const accounts = numbering<{ id: string; units: number }>();
  // Code units are the order of the database's "C" collation, because ids are ASCII.
  for (const id of reservations.map((r) => r.accountId).sort()) accounts.of(id, () => ({ id, units: 0 }));
  const keys = numbering<{ id: string; requests: number; images: number }>();
  const rights = numbering<{ accountId: string; keyId: string; model: string; keyNo: number }>();
  const idempotencies = numbering<null>();
  const accountNos: number[] = [];
  const keyNos: number[] = [];
  const rightNos: number[] = [];
  const idempotencyNos: (number | null)[] = [];
  for (const { accountId, keyId, model, units, images, idempotency } of reservations) {
    const accountNo = accounts.of(accountId, () => ({ id: accountId, units: 0 }));
    const keyNo = keys.of(keyId, () => ({ id: keyId, requests: 0, images: 0 }));
    const account = accounts.things[accountNo - 1];
    const key = keys.things[keyNo - 1];
    if (account !== undefined) account.units += units;
    if (key !== undefined) {
      key.requests += 1;
      key.images += images;
    }
    accountNos.push(accountNo);
    keyNos.push(keyNo);
    rightNos.push(rights.of(`${keyId} ${accountId} ${model}`, () => ({ accountId, keyId, model, keyNo })));
    idempotencyNos.push(idempotency === null ? null : idempotencies.of(`${accountId} ${idempotency.key}`, () => null));
  }
  const anyIdempotent = idempotencies.things.length > 0;
  const anyResponse = resolutions.some((r) => r.kind === "settle" && r.response !== null);
  const parameters = [
    idArray(resolutions.map((r) => r.holdId)),
    numberArray(resolutions.map((r) => (r.kind === "settle" ? r.units : 0))),
    anyResponse ? textArray(resolutions.map((r) => (r.kind === "settle" ? r.response : null))) : null,
    idArray(accounts.things.map((account) => account.id)),
    numberArray(accounts.things.map((account) => account.units)),
    idArray(keys.things.map((key) => key.id)),
    numberArray(keys.things.map((key) => key.requests)),
    numberArray(keys.things.map((key) => key.images)),
    numberArray(rights.things.map((_, index) => index + 1)),
    idArray(rights.things.map((right) => right.accountId)),
    idArray(rights.things.map((right) => right.keyId)),
    textArray(rights.things.map((right) => right.model)),
    numberArray(rights.things.map((right) => right.keyNo)),
    idArray(reservations.map((r) => r.holdId)),
    idArray(reservations.map((r) => r.accountId)),
    idArray(reservations.map((r) => r.keyId)),
    textArray(reservations.map((r) => r.model)),
    numberArray(accountNos),
    numberArray(keyNos),
    numberArray(rightNos),
    textArray(reservations.map((r) => r.requestId)),
    numberArray(reservations.map((r) => r.images)),
    numberArray(reservations.map((r) => r.units)),
    textArray(reservations.map((r) => r.price)),
    numberArray(reservations.map((r) => r.deadline)),
    anyIdempotent ? numberArray(idempotencyNos) : null,
    anyIdempotent ? textArray(reservations.map((r) => r.idempotency?.key ?? null)) : null,
    anyIdempotent ? textArray(reservations.map((r) => r.idempotency?.fingerprint ?? null)) : null,
  ];
  return { parameters, numbered: { reservations, accountNos, keyNos, rightNos } };
}
