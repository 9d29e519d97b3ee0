/** A date without a time, YYYY-MM-DD. */
export class RFCDate {
  readonly #date: string;

  /** The day that it is in UTC. */
  static today(): RFCDate {
    return today();
  }

  /** @throws RangeError for what is no date, or a text that is not YYYY-MM-DD */
  constructor(date: Date | string) {
    const time = typeof date === "string" && !/^\d{4}-\d\d-\d\d$/.test(date) ? Number.NaN : new Date(date).getTime();
    if (Number.isNaN(time)) throw new RangeError(`Not a date of the form YYYY-MM-DD: ${date}`);
    this.#date = new Date(time).toISOString().slice(0, 10);
  }

  toJSON(): string {
    return this.#date;
  }

  toString(): string {
    return this.#date;
  }
}

function today(): RFCDate {
  return new RFCDate(new Date());
}
