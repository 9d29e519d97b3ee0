"""What the model can draw and what people call it: shapes, and things with English and German names.

The names of words.tsv come first (a name written there belongs to that thing alone), after them each drawing's own name
(emojibase-data; its tags are left out, as words such as "photo" and "order" are among them). A thing with several
drawings gets one by the seed.
"""
import os
import re
import unicodedata
from functools import cache

from shapes import SHAPES

VARIANTS = 4  # drawings of a thing that the seed picks from

SHAPE_NAMES = {
    "circle": (["circle", "disc", "disk", "dot"], ["kreis", "punkt", "scheibe"]),
    "square": (["square", "box", "rectangle"], ["quadrat", "viereck", "kasten"]),
    "triangle": (["triangle"], ["dreieck", "dreiecke"]),
    "star": (["star", "five-pointed star"], ["stern", "sterne"]),
    "heart": (["heart", "love heart"], ["herz", "herzen"]),
    "diamond": (["diamond", "rhombus", "lozenge"], ["raute", "rauten"]),
    "crescent": (["crescent", "crescent shape", "sickle"], ["sichel", "mondsichel"]),
    "ring": (["ring", "hoop"], ["ring", "reifen"]),
    "cross": (["cross", "plus", "plus sign"], ["kreuz", "plus"]),
    "hexagon": (["hexagon"], ["sechseck", "hexagon"]),
}
BODY = (22, 23, 26)  # of people, what has a name of its own: parts of the body, people, figures of tales
# Groups of emojibase-data and, of the mixed ones, what can be asked for by a name that people use.
LEFT_OUT = re.compile(r"o’clock|thirty|skin tone|button|keycap|input|squared|japanese “|level slider|person: |man: |woman: |"
                      r"facing right|^family|couple with|^kiss: |men |women |^men|^women|medium|suit$|arrow$|"
                      r"circle$|square$|diamond$|triangle pointed|moon face|pointing|^x-ray$|^flag: .*(island|&|territor)")


def plain(text):
    """Lower case without accents, as the tokenizer makes it: Äpfel -> apfel, ß stays."""
    text = unicodedata.normalize("NFD", text.lower().replace("’", "'"))
    return "".join(c for c in text if unicodedata.category(c) != "Mn")


def words_of(text):
    """The words of a text as the tokenizer splits them: punctuation stands alone."""
    return re.findall(r"[^\W_]+|[^\w\s]|_", plain(text))


def _clean(name):
    flag = re.match(r"(flag|flagge): (.*)", name.lower())
    if flag:
        country = flag.group(2)
        return [f"flag of {country}", f"{country} flag"] if flag.group(1) == "flag" else [
            f"flagge von {country}", f"{country} flagge"]
    name = plain(re.sub(r"\(.*\)", "", name)).strip()
    return [name] if name else []


def _code(emoji):
    return "-".join(f"{ord(c):04X}" for c in emoji)


def _curated(folder):
    with open(os.path.join(folder, "words.tsv"), encoding="utf8") as f:
        for line in f:
            emojis, english, german = line.rstrip("\n").split("\t")
            spaced = lambda names: [plain(n.replace("_", " ")) for n in names.split()]
            yield emojis, spaced(english), spaced(german)


def _split(emojis, known):
    """The emojis of a run that the index knows, the longest first."""
    found, rest = [], emojis
    while rest:
        for length in range(len(rest), 0, -1):
            code = _code(rest[:length]).replace("-FE0F", "")
            if code in known:
                found.append(known[code])
                rest = rest[length:]
                break
        else:
            rest = rest[1:]
    return found


class Thing:
    """numbers: {style: drawings' numbers}; names: {"en": [...], "de": [...]}, the commonest first."""

    def __init__(self, names, numbers, code, shape=False, mirror=False, other=()):
        self.names, self.numbers, self.code, self.shape, self.mirror = names, numbers, code, shape, mirror
        self.other = list(other)


def load_things(drawings):
    index = drawings.index
    known = {}
    for row in index:
        known.setdefault(row["code"].replace("-FE0F", ""), row)
    things, taken, covered = [], set(), set()

    def numbers(rows, flat=True):
        by_style = {s: [drawings.number(s, r[s]) for r in rows if r[s] >= 0] for s in ("3d", "flat")}
        if not flat and by_style["3d"]:  # a second drawing of what is seldom asked for is not worth its size
            by_style["flat"] = []
        return {s: (by_style[s] or by_style["flat" if s == "3d" else "3d"])[:VARIANTS] for s in by_style}

    mirrors = lambda row: row["group"] in (1, 3, 4) or row["group"] == 5 and row["subgroup"] >= 40
    for number, shape in enumerate(SHAPES):
        english, german = SHAPE_NAMES[shape]
        things.append(Thing({"en": english, "de": german}, {s: [drawings.number("shape", number)] for s in ("3d", "flat")},
                            shape, shape=True))
        taken.update(english, german)
    for emojis, english, german in _curated(os.path.dirname(os.path.abspath(__file__))):
        rows = _split(emojis, known)
        if not rows:
            raise ValueError(f"no drawing for {emojis}")
        english = [n for n in english if n not in taken]
        things.append(Thing({"en": english, "de": german}, numbers(rows), rows[0]["code"], mirror=mirrors(rows[0]),
                            other=[r["other"] for r in rows if r["other"] >= 0]))
        taken.update(english, german)
        if len(rows) == 1:
            covered.add(rows[0]["code"])
    by_code = {t.code: t for t in things}
    for row in index:
        label = row["en"][0]
        fits = row["group"] in (0, 3, 4, 5, 6, 7, 9) or row["group"] == 8 and row["3d"] >= 0 or row["subgroup"] in BODY
        if not fits or LEFT_OUT.search(label.lower()):
            continue
        names = {}
        for lang in ("en", "de"):
            own = _clean(row[lang][0]) if row[lang][0] else []
            names[lang] = [n for n in own if n not in taken]
        thing = by_code.get(row["code"]) if row["code"] in covered else None
        if thing:
            for lang in names:
                thing.names[lang] += [n for n in names[lang] if n not in thing.names[lang]]
        elif names["en"]:
            thing = Thing(names, numbers([row], False), row["code"], mirror=mirrors(row),
                          other=[row["other"]] if row["other"] >= 0 else [])
            things.append(thing)
        taken.update(n for lang in names for n in names[lang])
    return things


IRREGULAR = {"mouse": "mice", "leaf": "leaves", "loaf": "loaves", "wolf": "wolves", "foot": "feet", "tooth": "teeth",
             "man": "men", "woman": "women", "child": "children", "person": "people", "cactus": "cacti", "goose": "geese",
             "knife": "knives", "scarf": "scarves", "fish": "fish", "sheep": "sheep", "deer": "deer", "dice": "dice",
             "die": "dice", "ox": "oxen", "wheelchair symbol": "wheelchair symbols", "housecat": "housecats"}


@cache
def plural(name):
    """An English name's plural: its last word's, or its first's before "of"."""
    first, middle, rest = name.partition(" of ")
    if middle:
        return plural(first) + middle + rest
    *before, last = name.split(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif re.search(r"(s|x|z|ch|sh)$", last):
        last += "es" if not re.search(r"(ies|[^su]s)$", last) else ""
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "es" if last in ("potato", "tomato", "volcano", "mango") else "s"
    return " ".join([*before, last])


def german_plurals(name):
    """What a German name's plural may be; accents are gone already, so an umlaut changes nothing."""
    return [name + end for end in (("n", "", "en") if name.endswith("e") else ("e", "en", "er", "", "s", "n"))]
