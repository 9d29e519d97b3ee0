/** The strings known today, with completion in editors, open to those of tomorrow. */
export type OpenEnum<T extends string> = T | (string & Record<never, never>);

/** Exactly these strings. */
export type ClosedEnum<T extends string> = T;
