"""The words of captions, English and German: what each kind of word looks like to the text encoder.

The encoder never sees a word itself, only its kind: "red", "rote" and "roter" are one kind, and so is every singular noun.
Which noun it was is looked up again at the place that the encoder points to. So what is learned with some nouns holds for
all of them. Accents are gone (things.plain).
"""
from palette import COLOUR_NAMES
from things import german_plurals, plain, plural, words_of

SPECIAL = ["[PAD]", "[UNK]", "[GLOBAL]", "[OBJECT1]", "[OBJECT2]", "[OBJECT3]"]
REGISTERS = 4
TEXT_LENGTH = 32
SIZES = ["small", "medium", "large"]
PLACES = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"]
# Nothing known, one thing, two side by side (the first on the left, on the right), one above the other (the first above,
# below), three in a row, and two to five of a kind.
ARRANGEMENTS = ["none", "single", "left", "right", "above", "below", "three", "2", "3", "4", "5"]


def _inflected(*stems):
    return [stem + end for stem in stems for end in ("", "e", "er", "es", "en", "em")]


COLOUR_WORDS = {
    "red": ["red", "scarlet", "crimson", *_inflected("rot")], "orange": ["orange", *_inflected("orangefarben")],
    "yellow": ["yellow", "golden", *_inflected("gelb")], "green": ["green", *_inflected("grun")],
    "blue": ["blue", *_inflected("blau")], "purple": ["purple", "violet", "lilac", *_inflected("lila", "violett")],
    "pink": ["pink", "rosa", *_inflected("pinkfarben")], "brown": ["brown", *_inflected("braun")],
    "black": ["black", *_inflected("schwarz")], "white": ["white", *_inflected("weiß", "weiss")],
    "gray": ["gray", "grey", "silver", *_inflected("grau")],
}
SIZE_WORDS = {
    "small": ["small", "little", "tiny", "mini", *_inflected("klein", "winzig")],
    "medium": ["medium", "middle-sized", *_inflected("mittelgroß")],
    "large": ["large", "big", "huge", "giant", "enormous", *_inflected("groß", "gross", "riesig")],
}
GROUND_WORDS = {
    "sky": ["sky", "himmel", "air", "luft"], "night": ["night", "nighttime", "nacht", "nachthimmel"],
    "sunset": ["sunset", "sunrise", "dusk", "dawn", "sonnenuntergang", "sonnenaufgang"],
    "space": ["space", "universe", "galaxy", "weltraum", "weltall", "all"],
    "grass": ["grass", "meadow", "lawn", "field", "garden", "park", "wiese", "gras", "rasen", "garten", "feld"],
    "sea": ["sea", "ocean", "water", "lake", "meer", "wasser", "see", "ozean"],
    "beach": ["beach", "sand", "desert", "strand", "wuste"], "snow": ["snow", "ice", "schnee", "winter"],
}
NUMBER_WORDS = {2: ["two", "2", "pair", "couple", "zwei", "paar", "twin"], 3: ["three", "3", "drei", "trio"],
                4: ["four", "4", "vier"], 5: ["five", "5", "funf", "six", "6", "sechs", "seven", "7", "many", "several",
                                              "viele", "some", "einige"]}
# Each line is one kind; the words of a line mean the same.
CLOSED = """a an one 1 single
the
ein eine einen einem einer eines
der die das den dem des
of von vom
on onto upon
auf
in inside im within
at am
top upper oben obere oberen obersten
bottom lower unten untere unteren
left links linke linken linker
right rechts rechte rechten rechter
center centre middle mitte zentrum
corner ecke
side seite
to
and & plus und
, ;
. ! ?
:
-
above over uber
below under underneath beneath unter unterhalb
next
beside besides near by neben bei
with mit holding having
without ohne
front
behind hinter
against vor
background backdrop hintergrund
picture image photo photograph drawing illustration painting sketch icon emoji bild zeichnung foto
draw paint make create generate show zeichne male mach erstelle zeig
me mir
please bitte
i want need like would ich mochte will
is are there stands sits sitting standing flying floating ist sind
flat 2d minimalist minimal vector simple clip art clipart flach flache flacher minimalistisch
3d glossy render rendered realistic cartoon plastisch
style stil
quality high highly detailed hd 4k masterpiece best very sehr
cute lovely nice beautiful happy friendly funny pretty adorable cool suß suße sußer sußes schone schoner schones nett lustig lustige
colored coloured colorful farbig bunt
s""".splitlines()
FLAT = "flat"


class Lexicon:
    """Every token that a caption can hold. kinds[i]: token i's kind; things[i]: the thing it names, or -1."""

    def __init__(self, things):
        self.tokens, self.kinds, self.things = list(SPECIAL), list(range(len(SPECIAL))), [-1] * len(SPECIAL)
        self.kind_names = list(SPECIAL)
        self.ids = {token: i for i, token in enumerate(SPECIAL)}
        for line in CLOSED:
            words = line.split()
            self._add(words[0], words)
        for group, table in (("colour", COLOUR_WORDS), ("size", SIZE_WORDS), ("ground", GROUND_WORDS), ("number", NUMBER_WORDS)):
            for key, words in table.items():
                self._add(f"{group} {key}", [plain(w) for w in words])
        forms = {}
        for number, thing in enumerate(things):
            for name in thing.names["en"]:
                forms.setdefault(name, (number, set()))[1].add("s")
                forms.setdefault(plural(name), (number, set()))[1].add("p")
            for name in thing.names["de"]:
                forms.setdefault(name, (number, set()))[1].add("s")
        for number, thing in enumerate(things):
            for name in thing.names["de"]:
                for form in german_plurals(name) if name.isalpha() else [name]:
                    forms.setdefault(form, (number, set()))[1].add("p")
        for form, (number, counts) in forms.items():
            if form in self.ids:  # a word with another meaning, as "orange": it keeps its kind and names the thing too
                kind = self.kind_names[self.kinds[self.ids[form]]]
                if self.things[self.ids[form]] < 0 and kind.startswith(("colour", "ground")):
                    self.things[self.ids[form]] = number
            else:
                self._add("noun " + "".join(sorted(counts)), [form])
                self.things[self.ids[form]] = number
        self.phrases = {tuple(words_of(t)): i for t, i in self.ids.items() if not t.isalnum() and len(words_of(t)) > 1
                        and not t.startswith("[")}
        self.longest = max(map(len, self.phrases))
        self.by_kind = {}
        for token, kind in zip(self.tokens, self.kinds):
            self.by_kind.setdefault(self.kind_names[kind], []).append(token)

    def _add(self, kind, words):
        if kind not in self.kind_names:
            self.kind_names.append(kind)
        for word in words:
            if word not in self.ids:
                self.ids[word] = len(self.tokens)
                self.tokens.append(word)
                self.kinds.append(self.kind_names.index(kind))
                self.things.append(-1)

    def tokenize(self, text):
        """Ids of the text's words, the longest names first; the exported tokenizer does the same."""
        words, ids, i = words_of(text), [], 0
        while i < len(words):
            for n in range(min(self.longest, len(words) - i), 0, -1):
                known = self.phrases.get(tuple(words[i:i + n])) if n > 1 else self.ids.get(words[i], self.ids["[UNK]"])
                if known is not None:
                    ids.append(known)
                    i += n
                    break
        return ids

    def padded(self, ids):
        return (list(range(2, 2 + REGISTERS)) + ids + [0] * TEXT_LENGTH)[:TEXT_LENGTH]
