import { defineTexts } from "./texts.ts";

/** What both pages say. */
export const common = defineTexts({
  close: { en: "Close", de: "Schließen" },
  cancel: { en: "Cancel", de: "Abbrechen" },
  copy: { en: "Copy", de: "Kopieren" },
  copied: { en: "Copied", de: "Kopiert" },
  remove: { en: "Delete", de: "Löschen" },
  tryAgain: { en: "Try again", de: "Noch einmal versuchen" },
  loading: { en: "Loading", de: "Wird geladen" },
  skip: { en: "Skip to the content", de: "Zum Inhalt springen" },
  pages: { en: "Pages", de: "Seiten" },
  language: { en: "DE: Deutsch", de: "EN: English" },
  themeAuto: { en: "Colours: as the system", de: "Farben: wie das System" },
  themeLight: { en: "Colours: light", de: "Farben: hell" },
  themeDark: { en: "Colours: dark", de: "Farben: dunkel" },
  signOut: { en: "Sign out", de: "Abmelden" },
  signIn: { en: "Sign in", de: "Anmelden" },
  messages: { en: "Messages", de: "Meldungen" },
  requestId: { en: (id: string) => `Request ${id}`, de: (id: string) => `Anfrage ${id}` },
});
