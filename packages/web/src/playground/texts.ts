import { defineTexts } from "../shared/i18n/texts.ts";

export const shellTexts = defineTexts({
  studio: { en: "Studio", de: "Atelier" },
  gallery: { en: "Gallery", de: "Galerie" },
  unreachable: { en: "This server does not answer right now.", de: "Dieser Server antwortet gerade nicht." },
  unreachableHelp: {
    en: "It may be starting, or it was stopped. Your pictures here are safe.",
    de: "Vielleicht startet er gerade, oder er wurde beendet. Ihre Bilder hier sind sicher.",
  },
});

export const signInTexts = defineTexts({
  title: { en: "Words in, pictures out.", de: "Worte hinein, Bilder heraus." },
  key: { en: "API key", de: "API-Schlüssel" },
  keyHelp: {
    en: "npm start prints one, and a link that signs you in by itself. The key is sealed in a cookie that no script can read.",
    de: "npm start zeigt einen an, dazu einen Link, der Sie von selbst anmeldet. Der Schlüssel liegt versiegelt in einem Cookie, den kein Skript lesen kann.",
  },
  wrongKey: {
    en: "This key is not right. Is it complete, and has it not been revoked?",
    de: "Dieser Schlüssel stimmt nicht. Ist er vollständig und nicht widerrufen?",
  },
  linkUsed: { en: "This sign-in link does not work any more.", de: "Dieser Anmelde-Link gilt nicht mehr." },
  linkUsedHelp: {
    en: "Each link works once, for twelve hours. Use the API key, or start Atoma again for a new link.",
    de: "Jeder Link gilt einmal, zwölf Stunden lang. Nehmen Sie den API-Schlüssel, oder starten Sie Atoma neu für einen neuen Link.",
  },
  unreachable: { en: "The server did not answer.", de: "Der Server hat nicht geantwortet." },
  unreachableHelp: { en: "Try again in a moment.", de: "Versuchen Sie es gleich noch einmal." },
});
