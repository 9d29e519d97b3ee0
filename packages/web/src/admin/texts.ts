import { defineTexts } from "../shared/i18n/texts.ts";

/** What every view of the dashboard says. */
export const shellTexts = defineTexts({
  views: { en: "Views", de: "Ansichten" },
  overview: { en: "Overview", de: "Überblick" },
  accounts: { en: "Accounts", de: "Konten" },
  keys: { en: "Keys", de: "Schlüssel" },
  nodes: { en: "Nodes", de: "Knoten" },
  usage: { en: "Usage", de: "Nutzung" },
  requests: { en: "Requests", de: "Anfragen" },
  books: { en: "Books", de: "Bücher" },
  signOutHelp: {
    en: "Signing out everywhere ends the dashboard's sessions in all browsers, on all gateways.",
    de: "Überall abmelden beendet die Sitzungen in allen Browsern, an allen Gateways.",
  },
  signOutHere: { en: "Sign out here", de: "Hier abmelden" },
  signOutEverywhere: { en: "Sign out everywhere", de: "Überall abmelden" },
  unreachable: { en: "The gateway cannot be reached.", de: "Das Gateway ist nicht erreichbar." },
  unreachableHelp: {
    en: "What is shown is what was known last. The page goes on trying.",
    de: "Gezeigt wird, was zuletzt bekannt war. Die Seite versucht es weiter.",
  },
  noView: { en: "There is no such view.", de: "Diese Ansicht gibt es nicht." },
  whatIs: { en: (name: string) => `What is “${name}”?`, de: (name: string) => `Was ist „${name}“?` },
  firstOnly: {
    en: (count: number) => `These are the first ${count}. The admin API lists the others.`,
    de: (count: number) => `Das sind die ersten ${count}. Die Admin-API nennt die weiteren.`,
  },
});

export const signInTexts = defineTexts({
  title: { en: "Dashboard", de: "Verwaltung" },
  key: { en: "Admin key", de: "Admin-Schlüssel" },
  keyHelp: {
    en: "The gateway's admin_key. npm start keeps one in credentials.json in the data folder.",
    de: "Der admin_key des Gateways. npm start legt einen in credentials.json im Datenordner ab.",
  },
  wrongKey: { en: "This is not the admin key.", de: "Das ist nicht der Admin-Schlüssel." },
  tooMany: {
    en: "Too many wrong keys came from this address. Try again in a minute.",
    de: "Von dieser Adresse kamen zu viele falsche Schlüssel. In einer Minute geht es wieder.",
  },
});

export const overviewTexts = defineTexts({
  title: { en: "Overview", de: "Überblick" },
  unwell: { en: "The gateway says that it is not well.", de: "Das Gateway meldet eine Störung." },
  unwellHelp: {
    en: "Its ledger cannot be read or written, it has no node that is ready, or it is about to stop. Its log says which.",
    de: "Sein Hauptbuch ist nicht les- oder schreibbar, kein Knoten ist bereit, oder es wird gerade beendet. Das Protokoll sagt, was davon.",
  },
  lastDay: { en: "Last 24 hours", de: "Letzte 24 Stunden" },
  nodesReady: { en: "Nodes ready", de: "Knoten bereit" },
  nodesReadyMeans: {
    en: "Nodes that get requests now, of all nodes: reached by this gateway, not draining, circuit closed.",
    de: "Knoten, die jetzt Anfragen bekommen, von allen: für dieses Gateway erreichbar, nicht im Auslauf, Sicherung geschlossen.",
  },
  atWork: { en: "At work", de: "In Arbeit" },
  atWorkMeans: {
    en: "Requests whose units are held at this gateway now, with a node or waiting for one. Other gateways have their own.",
    de: "Anfragen, deren Einheiten an diesem Gateway gerade reserviert sind, bei einem Knoten oder wartend. Andere Gateways haben ihre eigenen.",
  },
  waiting: { en: "Waiting", de: "Wartend" },
  waitingMeans: {
    en: "Requests of this gateway that wait because no node that can do them is free.",
    de: "Anfragen dieses Gateways, die warten, weil kein geeigneter Knoten frei ist.",
  },
});

export const figureTexts = defineTexts({
  requests: { en: "Requests", de: "Anfragen" },
  requestsMeans: {
    en: "Requests that named a model which their key may use, by when they ended. Those refused before that, such as for a wrong key, are not counted.",
    de: "Anfragen, die ein für ihren Schlüssel erlaubtes Modell nannten, nach ihrem Ende. Vorher abgewiesene, etwa wegen eines falschen Schlüssels, zählen nicht.",
  },
  images: { en: "Pictures", de: "Bilder" },
  imagesMeans: { en: "Pictures that were delivered and charged.", de: "Bilder, die geliefert und berechnet wurden." },
  units: { en: "Compute units", de: "Recheneinheiten" },
  unitsMeans: {
    en: "Number of pictures × width × height × the model's multiplier, charged for delivered pictures.",
    de: "Anzahl der Bilder × Breite × Höhe × Faktor des Modells, für gelieferte Bilder berechnet.",
  },
  succeeded: { en: "Succeeded", de: "Gelungen" },
  refused: { en: "Refused", de: "Abgewiesen" },
  refusedMeans: {
    en: "Answered with 4xx: no balance left, a limit of the key, or a field that the model cannot do.",
    de: "Mit 4xx beantwortet: kein Guthaben, eine Grenze des Schlüssels oder etwas, das das Modell nicht kann.",
  },
  failed: { en: "Failed", de: "Fehlgeschlagen" },
  failedMeans: {
    en: "Answered with 5xx: no node could be reached, it failed, or it took too long. Nothing was charged.",
    de: "Mit 5xx beantwortet: kein Knoten erreichbar, fehlgeschlagen oder zu langsam. Berechnet wurde nichts.",
  },
  left: { en: "Client left", de: "Abgebrochen" },
  latency: { en: "Latency: p50, p95, p99", de: "Dauer: p50, p95, p99" },
  latencyMeans: {
    en: "Within this time 50, 95 and 99 % of the requests that succeeded were answered, from their first byte to the answer's last; to within 4.5 %.",
    de: "In dieser Zeit waren 50, 95 und 99 % der gelungenen Anfragen beantwortet, vom ersten Byte der Anfrage bis zum letzten der Antwort; auf 4,5 % genau.",
  },
  chart: {
    en: "Requests over time by how they ended; the figures are in the table on the usage view",
    de: "Anfragen über die Zeit nach ihrem Ausgang; die Zahlen stehen in der Tabelle der Ansicht Nutzung",
  },
});

export const usageTexts = defineTexts({
  title: { en: "Usage", de: "Nutzung" },
  range: { en: "Range", de: "Zeitraum" },
  day: { en: "24 hours", de: "24 Stunden" },
  week: { en: "7 days", de: "7 Tage" },
  month: { en: "30 days", de: "30 Tage" },
  year: { en: "1 year", de: "1 Jahr" },
  overTime: { en: "Over time", de: "Im Verlauf" },
  asTable: { en: "As a table", de: "Als Tabelle" },
  from: { en: "From", de: "Ab" },
  none: { en: "No requests in this range.", de: "Keine Anfragen in diesem Zeitraum." },
  byWhom: { en: "By model, account and key", de: "Nach Modell, Konto und Schlüssel" },
  by: { en: "By", de: "Nach" },
  model: { en: "Model", de: "Modell" },
  account: { en: "Account", de: "Konto" },
  key: { en: "Key", de: "Schlüssel" },
});

export const accountTexts = defineTexts({
  title: { en: "Accounts", de: "Konten" },
  create: { en: "New account", de: "Neues Konto" },
  none: { en: "There is no account yet.", de: "Es gibt noch kein Konto." },
  name: { en: "Name", de: "Name" },
  available: { en: "Available", de: "Verfügbar" },
  availableMeans: {
    en: "Compute units that can be used now: all that was granted, less what was charged, less what is held.",
    de: "Recheneinheiten, die jetzt nutzbar sind: alles Gutgeschriebene, weniger Berechnetes, weniger Reserviertes.",
  },
  pending: { en: "Held", de: "Reserviert" },
  pendingMeans: {
    en: "Compute units held for pictures that are being made.",
    de: "Recheneinheiten, die für gerade entstehende Bilder reserviert sind.",
  },
  posted: { en: "Charged", de: "Berechnet" },
  postedMeans: { en: "All that was ever charged.", de: "Alles, was je berechnet wurde." },
  created: { en: "Made", de: "Angelegt" },
  actions: { en: "Actions", de: "Aktionen" },
  grant: { en: "Grant units", de: "Gutschreiben" },
  grantTo: { en: (name: string) => `Grant units to ${name}`, de: (name: string) => `${name} gutschreiben` },
  units: { en: "Compute units", de: "Recheneinheiten" },
  unitsHelp: {
    en: "One picture of 512 × 512 takes 262,144 where the model's multiplier is 1.",
    de: "Ein Bild von 512 × 512 kostet 262.144, wenn der Faktor des Modells 1 ist.",
  },
  reference: { en: "Reference", de: "Beleg" },
  referenceHelp: {
    en: "Such as an invoice's number. The same reference again adds nothing.",
    de: "Etwa eine Rechnungsnummer. Derselbe Beleg noch einmal ändert nichts.",
  },
  memo: { en: "Memo", de: "Notiz" },
  granted: { en: "The units were granted.", de: "Die Einheiten sind gutgeschrieben." },
  grantedBefore: {
    en: "This reference was granted before. Nothing was added.",
    de: "Dieser Beleg war schon gutgeschrieben. Es kam nichts dazu.",
  },
});

export const keyTexts = defineTexts({
  title: { en: "Keys", de: "Schlüssel" },
  create: { en: "New key", de: "Neuer Schlüssel" },
  none: { en: "There is no key yet.", de: "Es gibt noch keinen Schlüssel." },
  account: { en: "Account", de: "Konto" },
  name: { en: "Name", de: "Name" },
  state: { en: "State", de: "Zustand" },
  active: { en: "active", de: "aktiv" },
  disabled: { en: "disabled", de: "gesperrt" },
  revoked: { en: "revoked", de: "widerrufen" },
  expired: { en: "expired", de: "abgelaufen" },
  models: { en: "Models", de: "Modelle" },
  modelsHelp: {
    en: "Ids with commas between them; empty: all models.",
    de: "IDs, durch Kommas getrennt; leer: alle Modelle.",
  },
  all: { en: "all", de: "alle" },
  limits: { en: "Limits", de: "Grenzen" },
  requestsLimit: {
    en: (limit: number) => `${limit} requests a minute`,
    de: (limit: number) => `${limit} Anfragen je Minute`,
  },
  imagesLimit: {
    en: (limit: number) => `${limit} pictures a minute`,
    de: (limit: number) => `${limit} Bilder je Minute`,
  },
  concurrentLimit: { en: (limit: number) => `${limit} at a time`, de: (limit: number) => `${limit} zugleich` },
  noLimit: { en: "no limit", de: "keine Grenze" },
  requests: { en: "Requests a minute", de: "Anfragen je Minute" },
  images: { en: "Pictures a minute", de: "Bilder je Minute" },
  concurrent: { en: "Requests at a time", de: "Anfragen zugleich" },
  lastUsed: { en: "Last used", de: "Zuletzt benutzt" },
  actions: { en: "Actions", de: "Aktionen" },
  edit: { en: "Edit", de: "Ändern" },
  save: { en: "Save", de: "Speichern" },
  disable: { en: "Disable", de: "Sperren" },
  enable: { en: "Enable", de: "Freigeben" },
  revoke: { en: "Revoke", de: "Widerrufen" },
  revokeKey: { en: (name: string) => `Revoke “${name}”?`, de: (name: string) => `„${name}“ widerrufen?` },
  revokeHelp: {
    en: "It opens nothing any more, within a second, on every gateway. This cannot be undone.",
    de: "Er öffnet binnen einer Sekunde an keinem Gateway mehr etwas. Das lässt sich nicht rückgängig machen.",
  },
  createdKey: { en: (name: string) => `The key “${name}”`, de: (name: string) => `Der Schlüssel „${name}“` },
  shownOnce: {
    en: "Copy it now. It is shown here and never again.",
    de: "Jetzt kopieren. Er wird hier gezeigt und nie wieder.",
  },
});

export const nodeTexts = defineTexts({
  title: { en: "Nodes", de: "Knoten" },
  none: {
    en: "There is no node. Without one nothing can be drawn.",
    de: "Es gibt keinen Knoten. Ohne einen entsteht kein Bild.",
  },
  add: { en: "Add a node", de: "Knoten hinzufügen" },
  name: { en: "Name", de: "Name" },
  state: { en: "State", de: "Zustand" },
  load: { en: "Requests", de: "Anfragen" },
  models: { en: "Models", de: "Modelle" },
  kind: { en: "Kind", de: "Art" },
  shared: { en: "added while running", de: "im Betrieb hinzugefügt" },
  configured: { en: "from the configuration", de: "aus der Konfiguration" },
  actions: { en: "Actions", de: "Aktionen" },
  ready: { en: "ready", de: "bereit" },
  away: { en: "away", de: "nicht erreichbar" },
  expected: { en: "expected", de: "erwartet" },
  draining: { en: "draining", de: "läuft aus" },
  leaving: { en: "leaving", de: "geht" },
  open: { en: "circuit open", de: "Sicherung offen" },
  trial: { en: "being tried", de: "wird erprobt" },
  paused: { en: "busy", de: "ausgelastet" },
  opensIn: { en: (time: string) => `gets requests again in ${time}`, de: (time: string) => `wieder in ${time}` },
  drain: { en: "Drain", de: "Auslaufen lassen" },
  resume: { en: "Resume", de: "Wieder aufnehmen" },
  remove: { en: "Remove", de: "Entfernen" },
  removeNode: { en: (name: string) => `Remove ${name}?`, de: (name: string) => `${name} entfernen?` },
  removeHelp: {
    en: "It finishes what it does and gets nothing new, from any gateway.",
    de: "Er beendet, was er tut, und bekommt von keinem Gateway etwas Neues.",
  },
  how: { en: "How it comes", de: "Wie er dazukommt" },
  byAddress: { en: "At an address", de: "Unter einer Adresse" },
  byJoining: { en: "It joins by itself", de: "Er meldet sich selbst" },
  url: { en: "Address", de: "Adresse" },
  urlHelp: {
    en: "Where gateways reach it: scheme, host and port. Nodes of other kinds are added by the command atoma nodes add.",
    de: "Wo Gateways ihn erreichen: Schema, Host und Port. Knoten anderer Art fügt der Befehl atoma nodes add hinzu.",
  },
  token: { en: "Token", de: "Token" },
  tokenHelp: {
    en: "What the gateways show to the node, if it asks for it.",
    de: "Was die Gateways dem Knoten zeigen, falls er es verlangt.",
  },
  joinTitle: { en: (name: string) => `${name} may join`, de: (name: string) => `${name} darf sich melden` },
  joinHelp: {
    en: "Start the node with this credential as its join_token. It is shown here and never again.",
    de: "Den Knoten mit diesem Nachweis als join_token starten. Er wird hier gezeigt und nie wieder.",
  },
});

export const requestTexts = defineTexts({
  title: { en: "Requests now", de: "Anfragen jetzt" },
  help: {
    en: "What this gateway is at. Other gateways have their own list.",
    de: "Woran dieses Gateway arbeitet. Andere Gateways haben ihre eigene Liste.",
  },
  none: { en: "Nothing is being drawn.", de: "Es entsteht gerade nichts." },
  id: { en: "Request", de: "Anfrage" },
  who: { en: "Account · key", de: "Konto · Schlüssel" },
  what: { en: "What", de: "Was" },
  where: { en: "Node", de: "Knoten" },
  waits: { en: "waits", de: "wartet" },
  steps: { en: "Steps", de: "Schritte" },
  since: { en: "For", de: "Seit" },
});

export const bookTexts = defineTexts({
  title: { en: "Books", de: "Bücher" },
  holds: { en: "Holds", de: "Reservierungen" },
  holdsHelp: {
    en: "One for each request, the newest first: held while it runs, then charged, given back, or given back because its time was over.",
    de: "Eine je Anfrage, die neuesten zuerst: reserviert, solange sie läuft, dann berechnet, zurückgegeben oder verfallen.",
  },
  all: { en: "All", de: "Alle" },
  held: { en: "held", de: "reserviert" },
  posted: { en: "charged", de: "berechnet" },
  voided: { en: "given back", de: "zurückgegeben" },
  expired: { en: "expired", de: "verfallen" },
  none: { en: "Nothing here.", de: "Hier ist nichts." },
  at: { en: "When", de: "Wann" },
  state: { en: "State", de: "Zustand" },
  who: { en: "Account · key", de: "Konto · Schlüssel" },
  model: { en: "Model", de: "Modell" },
  units: { en: "Held", de: "Reserviert" },
  charged: { en: "Charged", de: "Berechnet" },
  request: { en: "Request", de: "Anfrage" },
  audit: { en: "Who changed what", de: "Wer was geändert hat" },
  actor: { en: "Who", de: "Wer" },
  action: { en: "Action", de: "Aktion" },
  subject: { en: "Of what", de: "Wovon" },
  details: { en: "Details", de: "Einzelheiten" },
  verify: { en: "Verification", de: "Prüfung" },
  verifyHelp: {
    en: "Recomputes every balance from the journal and the holds. It reads the whole ledger beside everything else.",
    de: "Rechnet jedes Guthaben aus Journal und Reservierungen nach. Dafür wird nebenher das ganze Hauptbuch gelesen.",
  },
  verifyNow: { en: "Verify now", de: "Jetzt prüfen" },
  verifying: { en: "Verifying …", de: "Wird geprüft …" },
  right: { en: "The books are right.", de: "Die Bücher stimmen." },
  wrong: {
    en: (count: number) => `${count} discrepancies`,
    de: (count: number) => `${count} Abweichungen`,
  },
});
