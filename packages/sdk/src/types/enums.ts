/** The strings known today, with completion in editors, open to those of tomorrow. */
export type OpenEnum<T> = T extends string ? T | (string & Record<never, never>) : OpenEnum<T[keyof T]>;

/** Exactly these strings, or the values of this enum. */
export type ClosedEnum<T> = T extends string ? T : T[keyof T];
