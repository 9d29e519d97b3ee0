import { defineTexts } from "../shared/i18n/texts.ts";

export const adminTexts = defineTexts({
  title: { en: "Accounts, keys, nodes", de: "Konten, Schlüssel, Knoten" },
  help: {
    en: "Everything here is done by the admin API, with the admin key, or by the atoma command.",
    de: "Alles hier geschieht über die Admin-API mit dem Admin-Schlüssel oder mit dem Befehl atoma.",
  },
  docs: { en: "The admin API, to read and to try", de: "Die Admin-API zum Lesen und Ausprobieren" },
});
