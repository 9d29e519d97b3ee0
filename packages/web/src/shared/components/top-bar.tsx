import { Monitor, Moon, Sun } from "lucide-react";
import type { ReactNode } from "react";
import { common } from "../i18n/common.ts";
import { useLanguage, useTexts } from "../i18n/language.tsx";
import { useTheme } from "../theme.ts";
import { IconButton } from "./button.tsx";
import { Logo } from "./logo.tsx";
import styles from "./top-bar.module.css";

const ICONS = { auto: Monitor, light: Sun, dark: Moon };

/** The bar at the top of both pages. `nav` holds links; the one of this view has `aria-current="page"`. */
export function TopBar({ nav, end }: { readonly nav?: ReactNode; readonly end?: ReactNode }) {
  const t = useTexts(common);
  const { language, choose } = useLanguage();
  const [theme, nextTheme] = useTheme();
  const ThemeIcon = ICONS[theme];
  const themeLabel = { auto: t.themeAuto, light: t.themeLight, dark: t.themeDark }[theme];
  return (
    <>
      <a className={styles.skip} href="#content">
        {t.skip}
      </a>
      <header className={styles.bar}>
        <a className={styles.brand} href="/" aria-label="Atoma">
          <Logo />
          <span>Atoma</span>
        </a>
        {nav !== undefined && (
          <nav className={styles.nav} aria-label={t.pages}>
            {nav}
          </nav>
        )}
        <div className={styles.end}>
          {end}
          <IconButton
            label={t.language}
            className={styles.language}
            lang={language === "en" ? "de" : "en"}
            onClick={() => choose(language === "en" ? "de" : "en")}
          >
            {language === "en" ? "DE" : "EN"}
          </IconButton>
          <IconButton label={themeLabel} onClick={nextTheme}>
            <ThemeIcon />
          </IconButton>
        </div>
      </header>
    </>
  );
}
