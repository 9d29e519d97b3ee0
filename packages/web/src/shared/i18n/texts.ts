/** The languages of the pages. */
export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

type Translated<T> = Readonly<Record<Language, T>>;
// biome-ignore lint/suspicious/noExplicitAny: stands for every list of parameters; the two languages are checked against each other below
type Entry = string | ((...values: any[]) => string);

/** The texts of one language. */
export type TextsIn<T> = { readonly [K in keyof T]: T[K] extends Translated<infer E> ? E : never };

/** A part of the catalogue: texts by language. Texts with values in them are functions. */
export interface Texts<T> {
  readonly in: (language: Language) => TextsIn<T>;
}

/**
 * Defines a part of the catalogue. Both languages stand side by side, so that neither can lack a text, and a text with values takes
 * the same values in both.
 */
export function defineTexts<const T extends Readonly<Record<string, Translated<Entry>>>>(
  entries: T & { readonly [K in keyof T]: Translated<T[K]["en"] extends string ? string : T[K]["en"]> },
): Texts<{ readonly [K in keyof T]: Translated<T[K]["en"] extends string ? string : T[K]["en"]> }> {
  const pick = (language: Language) =>
    Object.fromEntries(Object.entries<Translated<Entry>>(entries).map(([name, entry]) => [name, entry[language]]));
  const byLanguage = { en: pick("en"), de: pick("de") };
  // fromEntries forgets which names there are; they are those of `entries`.
  return { in: (language) => byLanguage[language] as never };
}
