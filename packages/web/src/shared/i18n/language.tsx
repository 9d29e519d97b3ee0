import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { LANGUAGES, type Language, type Texts, type TextsIn } from "./texts.ts";

interface Chosen {
  readonly language: Language;
  /** For numbers and dates: the browser's own variant of the language, where it has one. */
  readonly locale: string;
  readonly choose: (language: Language) => void;
}

const STORED = "atoma-language";
const LanguageContext = createContext<Chosen>({ language: "en", locale: "en", choose: () => {} });

/** The language that was chosen here, or else the first of the browser's that there is. */
function initialLanguage(): Language {
  const wanted = [localStorage.getItem(STORED), ...navigator.languages].map((tag) => tag?.slice(0, 2));
  return wanted.flatMap((tag) => LANGUAGES.find((known) => known === tag) ?? [])[0] ?? "en";
}

export function LanguageProvider({ children }: { readonly children: ReactNode }) {
  const [language, setLanguage] = useState(initialLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const chosen = useMemo(
    () => ({
      language,
      locale: navigator.languages.find((tag) => tag.startsWith(language)) ?? language,
      choose: (next: Language) => {
        localStorage.setItem(STORED, next);
        setLanguage(next);
      },
    }),
    [language],
  );
  return <LanguageContext value={chosen}>{children}</LanguageContext>;
}

export function useLanguage(): Chosen {
  return useContext(LanguageContext);
}

/** A part of the catalogue in the language of the page. */
export function useTexts<T>(texts: Texts<T>): TextsIn<T> {
  return texts.in(useLanguage().language);
}
