import { defineTexts } from "../shared/i18n/texts.ts";

export const shellTexts = defineTexts({
  studio: { en: "Studio", de: "Atelier" },
  gallery: { en: "Gallery", de: "Galerie" },
  unreachable: { en: "This server does not answer right now.", de: "Dieser Server antwortet gerade nicht." },
  unreachableHelp: {
    en: "It may be starting, or it was stopped. Your pictures here are safe.",
    de: "Vielleicht startet er gerade, oder er wurde beendet. Ihre Bilder hier sind sicher.",
  },
  noModels: { en: "No model is ready.", de: "Kein Modell ist bereit." },
  noModelsHelp: {
    en: "A node may still be loading one. If not: does this key's account have models, and is a node running?",
    de: "Vielleicht lädt ein Knoten noch eines. Sonst: Darf dieser Schlüssel Modelle nutzen, und läuft ein Knoten?",
  },
  unitsLeft: { en: (units: string) => `${units} units left`, de: (units: string) => `noch ${units} Einheiten` },
  unitsHelp: {
    en: "Compute units of your account. A picture costs about as many as it has pixels.",
    de: "Recheneinheiten Ihres Kontos. Ein Bild kostet etwa so viele, wie es Bildpunkte hat.",
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

export const composeTexts = defineTexts({
  composer: { en: "What to draw", de: "Was gezeichnet wird" },
  mode: { en: "Begin with", de: "Anfangen mit" },
  fromWords: { en: "Words", de: "Worten" },
  fromPicture: { en: "A picture", de: "einem Bild" },
  prompt: { en: "Prompt", de: "Prompt" },
  promptPlaceholder: { en: "Describe the picture", de: "Beschreiben Sie das Bild" },
  editPlaceholder: {
    en: "Describe the whole picture as you want it",
    de: "Beschreiben Sie das ganze Bild, wie es werden soll",
  },
  tooLong: {
    en: (over: number) => `${over} characters too long for this model.`,
    de: (over: number) => `${over} Zeichen zu lang für dieses Modell.`,
  },
  noPrompt: { en: "Say first what to draw.", de: "Sagen Sie zuerst, was gezeichnet werden soll." },
  noSource: { en: "Choose the picture to begin with first.", de: "Wählen Sie zuerst das Ausgangsbild." },
  examples: { en: "Examples", de: "Beispiele" },
  otherExamples: { en: "Other examples", de: "Andere Beispiele" },
  model: { en: "Model", de: "Modell" },
  shape: { en: "Shape", de: "Form" },
  size: { en: "Size", de: "Größe" },
  count: { en: "Pictures", de: "Bilder" },
  seed: { en: "Seed", de: "Startwert" },
  seedHelp: {
    en: "The same seed gives the same picture again.",
    de: "Derselbe Startwert ergibt wieder dasselbe Bild.",
  },
  newSeed: { en: "Roll a new seed", de: "Neuen Startwert würfeln" },
  keepSeed: { en: "Keep this seed for the next pictures", de: "Diesen Startwert für die nächsten Bilder behalten" },
  tuning: { en: "Fine tuning", de: "Feinheiten" },
  steps: { en: "Steps", de: "Schritte" },
  stepsHelp: { en: "More take longer and are often finer.", de: "Mehr dauern länger und werden oft feiner." },
  guidance: { en: "Guidance", de: "Textbindung" },
  guidanceHelp: { en: "How strictly the prompt is followed.", de: "Wie streng dem Prompt gefolgt wird." },
  scheduler: { en: "Scheduler", de: "Scheduler" },
  ownScheduler: { en: "The model's own", de: "Der des Modells" },
  negative: { en: "Leave out", de: "Nicht zeigen" },
  negativePlaceholder: { en: "What must not be in the picture", de: "Was nicht im Bild sein soll" },
  format: { en: "File format", de: "Dateiformat" },
  draw: {
    en: (count: number) => (count === 1 ? "Draw" : `Draw ${count} pictures`),
    de: (count: number) => (count === 1 ? "Zeichnen" : `${count} Bilder zeichnen`),
  },
  redraw: {
    en: (count: number) => (count === 1 ? "Draw over it" : `Draw over it ${count} times`),
    de: (count: number) => (count === 1 ? "Darüber zeichnen" : `${count}-mal darüber zeichnen`),
  },
  cost: { en: (units: string) => `Costs ${units} units`, de: (units: string) => `Kostet ${units} Einheiten` },
  enoughFor: {
    en: (count: string) => `enough left for ${count} more`,
    de: (count: string) => `reicht für ${count} weitere`,
  },
  notEnough: { en: "more than is left", de: "mehr als übrig ist" },
});

export const sourceTexts = defineTexts({
  choose: { en: "Choose a picture", de: "Bild auswählen" },
  orDrop: { en: "or drop one here, or paste it", de: "oder hierher ziehen oder einfügen" },
  notAPicture: {
    en: "This file is no picture that the browser can read.",
    de: "Diese Datei ist kein Bild, das der Browser lesen kann.",
  },
  replace: { en: "Another picture", de: "Anderes Bild" },
  removeSource: { en: "Remove", de: "Entfernen" },
  paintHelp: {
    en: "Paint over what should change. Without paint, all of it may.",
    de: "Übermalen Sie, was sich ändern soll. Ohne Farbe darf es alles.",
  },
  canvas: {
    en: "Mask. Arrow keys move the brush, space paints.",
    de: "Maske. Pfeiltasten bewegen den Pinsel, Leertaste malt.",
  },
  tool: { en: "Tool", de: "Werkzeug" },
  brush: { en: "Brush", de: "Pinsel" },
  eraser: { en: "Eraser", de: "Radierer" },
  brushSize: { en: "Brush size", de: "Pinselgröße" },
  undo: { en: "Undo", de: "Rückgängig" },
  clear: { en: "Clear", de: "Leeren" },
  fidelity: { en: "Keep to the picture", de: "Am Bild bleiben" },
  loosely: { en: "Loosely", de: "Lose" },
  closely: { en: "Closely", de: "Eng" },
});

export const stageTexts = defineTexts({
  stage: { en: "Pictures", de: "Bilder" },
  emptyTitle: { en: "What shall we draw?", de: "Was zeichnen wir?" },
  emptyHelp: {
    en: "Describe a picture, or take an example. You can watch it take shape.",
    de: "Beschreiben Sie ein Bild oder nehmen Sie ein Beispiel. Sie sehen zu, wie es entsteht.",
  },
  waiting: { en: "Waiting for a free node", de: "Wartet auf einen freien Knoten" },
  drawing: {
    en: (step: number, steps: number) => `Step ${step} of ${steps}`,
    de: (step: number, steps: number) => `Schritt ${step} von ${steps}`,
  },
  finishing: { en: "Finishing", de: "Wird fertiggestellt" },
  secondsLeft: {
    en: (seconds: number) => (seconds < 1 ? "less than a second left" : `about ${seconds} s left`),
    de: (seconds: number) => (seconds < 1 ? "noch weniger als eine Sekunde" : `noch etwa ${seconds} s`),
  },
  reconnecting: {
    en: "The connection is lost. It goes on by itself.",
    de: "Die Verbindung ist unterbrochen. Es geht von selbst weiter.",
  },
  cancelled: { en: "Cancelled. Nothing was charged.", de: "Abgebrochen. Es wurde nichts berechnet." },
  cancelOne: { en: "Cancel this picture", de: "Dieses Bild abbrechen" },
  cancelAll: { en: "Cancel all", de: "Alle abbrechen" },
  dismiss: { en: "Take away", de: "Entfernen" },
  open: { en: (prompt: string) => `Open: ${prompt}`, de: (prompt: string) => `Öffnen: ${prompt}` },
  preview: { en: (prompt: string) => `Unfinished: ${prompt}`, de: (prompt: string) => `Unfertig: ${prompt}` },
  unknownWords: {
    en: (words: string) => `This model does not know ${words}.`,
    de: (words: string) => `Dieses Modell kennt ${words} nicht.`,
  },
  truncated: {
    en: (end: string) => `It did not read the end of the prompt: “${end}”`,
    de: (end: string) => `Es hat das Ende des Prompts nicht gelesen: „${end}“`,
  },
  recent: { en: "Before", de: "Vorher" },
  all: { en: "All pictures", de: "Alle Bilder" },
  done: { en: (prompt: string) => `Done: ${prompt}`, de: (prompt: string) => `Fertig: ${prompt}` },
});

export const galleryTexts = defineTexts({
  title: { en: "Your pictures", de: "Ihre Bilder" },
  where: { en: "They are kept in this browser only.", de: "Sie liegen nur in diesem Browser." },
  search: { en: "Search the prompts", de: "In den Prompts suchen" },
  favourites: { en: "Favourites", de: "Favoriten" },
  count: {
    en: (count: string) => (count === "1" ? "1 picture" : `${count} pictures`),
    de: (count: string) => (count === "1" ? "1 Bild" : `${count} Bilder`),
  },
  empty: { en: "Nothing here yet", de: "Noch nichts hier" },
  emptyHelp: { en: "What you draw is kept here.", de: "Was Sie zeichnen, wird hier aufgehoben." },
  toStudio: { en: "Draw something", de: "Etwas zeichnen" },
  noMatch: { en: "No picture like that", de: "Kein solches Bild" },
  noMatchHelp: {
    en: "Search for fewer words, or show all.",
    de: "Suchen Sie mit weniger Worten, oder zeigen Sie alle.",
  },
  showAll: { en: "Show all", de: "Alle zeigen" },
  select: { en: "Select", de: "Auswählen" },
  selectOne: { en: (prompt: string) => `Select: ${prompt}`, de: (prompt: string) => `Auswählen: ${prompt}` },
  selected: { en: (count: string) => `${count} selected`, de: (count: string) => `${count} ausgewählt` },
  endSelection: { en: "Done", de: "Fertig" },
  selectAll: { en: "All", de: "Alle" },
  compare: { en: "Compare", de: "Vergleichen" },
  export: { en: "Export", de: "Exportieren" },
  removed: {
    en: (count: string) => (count === "1" ? "Picture deleted" : `${count} pictures deleted`),
    de: (count: string) => (count === "1" ? "Bild gelöscht" : `${count} Bilder gelöscht`),
  },
  undo: { en: "Undo", de: "Rückgängig" },
  unreadable: {
    en: "This browser does not let the page keep pictures.",
    de: "Dieser Browser lässt die Seite keine Bilder aufheben.",
  },
  unreadableHelp: {
    en: "Private windows and full disks do that. Download what you want to keep.",
    de: "Das liegt an privaten Fenstern oder vollen Datenträgern. Laden Sie herunter, was Sie behalten wollen.",
  },
});

export const pictureTexts = defineTexts({
  title: { en: "Picture", de: "Bild" },
  useAgain: { en: "Use again", de: "Wiederverwenden" },
  edit: { en: "Edit", de: "Bearbeiten" },
  download: { en: "Download", de: "Herunterladen" },
  code: { en: "As code", de: "Als Code" },
  favour: { en: "Favourite", de: "Favorit" },
  previous: { en: "Previous picture", de: "Voriges Bild" },
  next: { en: "Next picture", de: "Nächstes Bild" },
  model: { en: "Model", de: "Modell" },
  size: { en: "Size", de: "Größe" },
  seed: { en: "Seed", de: "Startwert" },
  steps: { en: "Steps", de: "Schritte" },
  guidance: { en: "Guidance", de: "Textbindung" },
  scheduler: { en: "Scheduler", de: "Scheduler" },
  negative: { en: "Left out", de: "Nicht gezeigt" },
  cost: { en: "Cost", de: "Kosten" },
  units: { en: (units: string) => `${units} units`, de: (units: string) => `${units} Einheiten` },
  made: { en: "Made", de: "Entstanden" },
  edited: { en: "from another picture", de: "aus einem anderen Bild" },
  gone: { en: "The file of this picture is gone.", de: "Die Datei dieses Bildes ist weg." },
  compareTitle: { en: "Compare two pictures", de: "Zwei Bilder vergleichen" },
  compareSlider: { en: "How much of the left picture is seen", de: "Wie viel vom linken Bild zu sehen ist" },
  codeTitle: { en: "The same picture by code", de: "Dasselbe Bild per Code" },
  codeLanguage: { en: "Language", de: "Sprache" },
  codeKey: {
    en: "The key is read from the environment variable ATOMASDK_BEARER_AUTH.",
    de: "Der Schlüssel kommt aus der Umgebungsvariablen ATOMASDK_BEARER_AUTH.",
  },
});

/** For each kind of failure what happened and what to do. */
export const errorTexts = defineTexts({
  signedOut: { en: "You are signed out.", de: "Sie sind abgemeldet." },
  signedOutHelp: {
    en: "The key was revoked, or the session has ended. Sign in again.",
    de: "Der Schlüssel wurde widerrufen, oder die Sitzung ist zu Ende. Melden Sie sich neu an.",
  },
  noUnits: { en: "Your compute units are used up.", de: "Ihre Recheneinheiten sind aufgebraucht." },
  noUnitsHelp: {
    en: "Draw smaller or fewer pictures, or ask whoever runs this server for more.",
    de: "Zeichnen Sie kleinere oder weniger Bilder, oder bitten Sie den Betreiber dieses Servers um mehr.",
  },
  notAllowed: { en: "Your key may not use this model.", de: "Ihr Schlüssel darf dieses Modell nicht nutzen." },
  notAllowedHelp: { en: "Choose another model.", de: "Wählen Sie ein anderes Modell." },
  noModel: { en: "This model is gone.", de: "Dieses Modell gibt es nicht mehr." },
  noModelHelp: { en: "Choose another one.", de: "Wählen Sie ein anderes." },
  limited: { en: "Your key has reached its limit.", de: "Ihr Schlüssel hat seine Grenze erreicht." },
  limitedHelp: { en: "Wait a minute, then try again.", de: "Warten Sie eine Minute und versuchen Sie es dann wieder." },
  nodeFailed: { en: "The node that drew it failed.", de: "Der Knoten, der es zeichnete, ist ausgefallen." },
  nodeFailedHelp: {
    en: "Nothing was charged. Try again: nodes start anew by themselves.",
    de: "Es wurde nichts berechnet. Versuchen Sie es noch einmal: Knoten starten von selbst neu.",
  },
  busy: { en: "No node is free.", de: "Kein Knoten ist frei." },
  busyHelp: {
    en: "Nothing was charged. Try again in a minute.",
    de: "Es wurde nichts berechnet. Versuchen Sie es in einer Minute wieder.",
  },
  tooSlow: { en: "It took too long.", de: "Es hat zu lange gedauert." },
  tooSlowHelp: {
    en: "Nothing was charged. Take a smaller size or fewer steps.",
    de: "Es wurde nichts berechnet. Nehmen Sie eine kleinere Größe oder weniger Schritte.",
  },
  blocked: { en: "The node refuses this prompt.", de: "Der Knoten lehnt diesen Prompt ab." },
  blockedHelp: { en: "Say it in other words.", de: "Sagen Sie es mit anderen Worten." },
  tooLarge: { en: "The picture to begin with is too large.", de: "Das Ausgangsbild ist zu groß." },
  tooLargeHelp: { en: "Take a smaller one.", de: "Nehmen Sie ein kleineres." },
  refused: { en: "The server does not accept this.", de: "Der Server nimmt das nicht an." },
  refusedHelp: {
    en: "Change what it says here, then try again.",
    de: "Ändern Sie, was hier steht, und versuchen Sie es wieder.",
  },
  lost: { en: "The server cannot be reached.", de: "Der Server ist nicht zu erreichen." },
  lostHelp: {
    en: "Is it still running? Trying again gives the picture if it was made meanwhile, and charges it once.",
    de: "Läuft er noch? Ein neuer Versuch liefert das Bild, falls es inzwischen entstand, und es wird nur einmal berechnet.",
  },
  unknown: { en: "That did not work.", de: "Das hat nicht geklappt." },
  unknownHelp: {
    en: "Try again. If it stays like this, tell whoever runs this server the request's number.",
    de: "Versuchen Sie es noch einmal. Bleibt es so, nennen Sie dem Betreiber des Servers die Nummer der Anfrage.",
  },
});
