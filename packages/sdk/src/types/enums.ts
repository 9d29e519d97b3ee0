/** The strings known today, with completion in editors, open to those of tomorrow. */
export type OpenEnum<T> = T extends string ? T | (string & Record<never, never>) : OpenEnum<T[keyof T]>;

/** Exactly these strings, or the values of this enum. */
export type ClosedEnum<T> = T extends string ? T : T[keyof T];

declare const brand: unique symbol;

/** A value of an enum that is not among those known today. */
export type Unrecognized<T> = T & { [brand]: "unrecognized" };

/** Marks a value as one that is not known today. */
export function catchUnrecognizedEnum<T>(value: T): Unrecognized<T> {
  return value as Unrecognized<T>; // the mark is in the type alone
}
