import { useEffect, useState } from "react";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const STORED = "atoma-theme";

const storedTheme = (): Theme => THEMES.find((known) => known === localStorage.getItem(STORED)) ?? "auto";

function apply(theme: Theme): void {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** Applies what was chosen on an earlier visit, before anything is shown. */
export function applyStoredTheme(): void {
  apply(storedTheme());
}

/** The theme, and a function that goes on to the next one. */
export function useTheme(): readonly [Theme, () => void] {
  const [theme, setTheme] = useState(storedTheme);
  useEffect(() => apply(theme), [theme]);
  const next = () => {
    const following = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "auto";
    localStorage.setItem(STORED, following);
    setTheme(following);
  };
  return [theme, next];
}
