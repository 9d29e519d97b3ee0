"""Captions drawn anew each time, English and German, and what each asks for.

A request is a dict: things (numbers, one for each slot), colours, sizes (None: left open), place, arrangement, ground,
flat (bool). Only its wording is random here; `request` draws what is asked.
"""
from lexicon import ARRANGEMENTS, COLOUR_WORDS, GROUND_WORDS, NUMBER_WORDS, PLACES, SIZE_WORDS, SIZES
from palette import COLOUR_NAMES, LANDSCAPES
from things import german_plurals, plural

FILLERS = ["mysterious", "wooden", "xyz", "qwertz", "ancient", "shiny", "cute", "lovely", "happy", "beautiful", "funny",
           "very", "detailed", "süße", "alte", "zauberhafte"]
PREFIXES = {"en": ["a picture of", "a drawing of", "draw", "draw me", "an image of", "a photo of", "an illustration of",
                   "paint", "please draw", "make", "show me", "create", "generate", "a painting of", "i want", "an icon of",
                   "a cute drawing of", "there is", "i would like", "please make a picture of", "the", "emoji of"],
            "de": ["ein bild von", "zeichne", "male", "eine zeichnung von", "bitte zeichne", "ich möchte", "erstelle",
                   "zeig mir", "ein foto von", "mach mir ein bild von", "bitte male mir"]}
TAILS = ["high quality", "highly detailed", "4k", "simple", "realistic", "masterpiece", "digital art", "cartoon", "cute",
         "3d render", "3d", "best quality", "xyz", "by xyz qwertz", "trending on xyz", "please"]
FLAT_TAILS = {"en": ["flat style", "flat", "in a flat style", "vector art", "flat design", "minimalist", "2d", "clip art",
                     "vector", "minimal"], "de": ["flach", "flacher stil", "minimalistisch", "im flachen stil"]}
PLACE_PHRASES = {
    "en": {"top left": ["in the top left", "in the top left corner", "in the upper left corner", "top left"],
           "top": ["at the top", "near the top", "on top"], "top right": ["in the top right", "in the top right corner",
                                                                "in the upper right corner"],
           "left": ["on the left", "on the left side", "left"], "center": ["in the center", "in the middle", "centered in the middle"],
           "right": ["on the right", "on the right side", "right"],
           "bottom left": ["in the bottom left", "in the bottom left corner", "in the lower left corner"],
           "bottom": ["at the bottom", "near the bottom"],
           "bottom right": ["in the bottom right", "in the bottom right corner", "in the lower right corner"]},
    "de": {"top left": ["oben links", "in der ecke oben links", "links oben"], "top": ["oben"],
           "top right": ["oben rechts", "rechts oben"], "left": ["links", "auf der linken seite"],
           "center": ["in der mitte"], "right": ["rechts", "auf der rechten seite"],
           "bottom left": ["unten links", "links unten"], "bottom": ["unten"], "bottom right": ["unten rechts", "rechts unten"]}}
RELATIONS = {
    "en": {"left": ["left of", "to the left of", "on the left of", "and", "and", "and", "next to", "with", "beside", "near",
                    "in front of", "behind", "and also", "holding", "by", "against"],
           "right": ["right of", "to the right of", "on the right of"], "above": ["above", "on top of", "over", "on"],
           "below": ["below", "under", "underneath", "beneath"]},
    "de": {"left": ["links von", "und", "und", "neben", "mit", "bei", "vor", "hinter"], "right": ["rechts von", "rechts neben"],
           "above": ["über", "auf"], "below": ["unter", "unterhalb von"]}}
GROUND_PHRASES = {
    "en": {"sky": ["in the sky", "in the air"], "night": ["at night", "in the night"],
           "sunset": ["at sunset", "in the sunset", "at dawn", "at dusk"], "space": ["in space", "in the universe"],
           "grass": ["on the grass", "on a meadow", "in a garden", "in a field", "in the park", "on grass"],
           "sea": ["in the sea", "on the water", "in the ocean", "on a lake", "at the sea", "in water"],
           "beach": ["on the beach", "on a beach", "at the beach", "in the desert", "in the sand"],
           "snow": ["in the snow", "in winter", "in snow", "on ice"]},
    "de": {"sky": ["am himmel", "in der luft"], "night": ["bei nacht", "in der nacht", "am nachthimmel"],
           "sunset": ["bei sonnenuntergang", "im sonnenuntergang"], "space": ["im weltraum", "im weltall", "im all"],
           "grass": ["auf der wiese", "im gras", "im garten", "auf einer wiese"],
           "sea": ["im meer", "im wasser", "auf dem meer", "auf dem see", "am see"],
           "beach": ["am strand", "in der wüste", "im sand"], "snow": ["im schnee", "im winter"]}}
COLOUR_GROUNDS = {"en": ["on a {} background", "on {}", "against a {} background", "with a {} background", ", {} background",
                         "on a {} backdrop", "in front of a {} background", "on plain {}"],
                  "de": ["auf {}", "auf einem {} hintergrund", "vor einem {} hintergrund", "mit {} hintergrund",
                         "auf {} hintergrund", ", {} hintergrund"]}
JOIN = {"en": "and", "de": "und"}


def default_ground(colours):
    """What a caption that names no ground means: white, or what a white thing is seen on."""
    return "white" if "white" not in colours else "blue" if "blue" not in colours else "black"


def request(rng, things):
    """What a caption asks for, with a wording left to draw."""
    arrangement = rng.choices(ARRANGEMENTS, [.04, .36, .16, .06, .06, .06, .07, .05, .05, .05, .04])[0]
    slots = {"none": 0, "single": 1, "three": 3}.get(arrangement, 1 if arrangement.isdigit() else 2)
    named = rng.sample(range(len(things)), slots)
    colours = [rng.choice(COLOUR_NAMES) if rng.random() < .45 else None for _ in named]
    sizes = [rng.choice(SIZES) if rng.random() < (.25 if slots == 1 else .12) else None for _ in named]
    place = rng.choice(PLACES) if arrangement == "single" and rng.random() < .25 else None
    ground = default_ground(colours)
    says_ground = rng.random() < .4
    if says_ground:
        ground = rng.choice(list(LANDSCAPES) if rng.random() < .5 else COLOUR_NAMES)
    return {"arrangement": arrangement, "things": named, "colours": colours, "sizes": sizes, "place": place,
            "ground": ground, "says_ground": says_ground, "flat": rng.random() < .15}


def _article(rng, language, word):
    if language == "de":
        return rng.choice(["ein", "eine", "einen", "einem", "einer", "der", "die", "das"])
    return rng.choice(["a"] * 4 + ["the", "one"]) if word[0] not in "aeiou" else rng.choice(["an"] * 4 + ["the", "a"])


def _noun(rng, language, things, asked, slot, many=False):
    """Pieces of text; the noun's own piece is a tuple (text, slot)."""
    thing = things[asked["things"][slot]]
    names = thing.names[language] or thing.names["en"]
    name = names[0] if rng.random() < .5 else rng.choice(names)
    if many:
        name = plural(name) if language == "en" else rng.choice([name, *german_plurals(name)] if name.isalpha() else [name])
    before = []
    while rng.random() < .15:
        before.append(rng.choice(FILLERS))
    if asked["sizes"][slot]:
        before.append(rng.choice(SIZE_WORDS[asked["sizes"][slot]]))
    if asked["colours"][slot]:
        before.append(rng.choice(COLOUR_WORDS[asked["colours"][slot]]))
    if rng.random() < .08:
        before.append(rng.choice(FILLERS))
    if not many and rng.random() < .85:
        before.insert(0, _article(rng, language, (before or [name])[0]))
    return [*before, (name, slot)]


def wording(rng, things, asked):
    """One caption as pieces of text in order."""
    language = "en" if rng.random() < .7 else "de"
    arrangement = asked["arrangement"]
    noun = lambda slot, many=False: _noun(rng, language, things, asked, slot, many)
    if arrangement == "none":
        pieces = [rng.choice(["a", "the", "ein", "two", "red", "my"])] * (rng.random() < .7)
        pieces += [rng.choice(["xyz", "qwertz", "abcxyz"]) for _ in range(rng.randint(1, 3))]
    elif arrangement == "single":
        pieces = noun(0)
    elif arrangement == "three":
        pieces = [*noun(0), rng.choice([",", JOIN[language]]), *noun(1), rng.choice(["", ","]), JOIN[language], *noun(2)]
    elif arrangement.isdigit():
        number = rng.choice(NUMBER_WORDS[int(arrangement)])
        pieces = [*(["a"] if number in ("pair", "couple") else ["ein"] if number == "paar" else []), number,
                  *(["of"] if number in ("pair", "couple") and language == "en" else []), *noun(0, many=True)]
    else:
        pieces = [*noun(0), rng.choice(RELATIONS[language][arrangement]), *noun(1)]
    extra = []
    if asked["place"]:
        extra.append([rng.choice(PLACE_PHRASES[language][asked["place"]])])
    if asked["says_ground"]:
        if asked["ground"] in LANDSCAPES:
            extra.append([rng.choice(GROUND_PHRASES[language][asked["ground"]])])
        else:
            colour = rng.choice(COLOUR_WORDS[asked["ground"]])
            extra.append([rng.choice(COLOUR_GROUNDS[language]).format(colour)])
    if rng.random() < .12:
        extra.append([rng.choice(["of xyz", "with qwertz", "in xyz style", "xyz", "from qwertz", "im xyz", "that is xyz"])])
    rng.shuffle(extra)
    for words in extra:
        pieces += words
    if rng.random() < .35:
        pieces = [rng.choice(PREFIXES[language]), *pieces]
    if asked["flat"]:
        where, words = rng.random(), rng.choice(FLAT_TAILS[language])
        pieces = [words, *pieces] if where < .15 else [*pieces, rng.choice([",", ""]), words]
    elif rng.random() < .2:
        pieces = [*pieces, rng.choice([",", ""]), rng.choice(TAILS)]
    if rng.random() < .1:
        pieces.append(rng.choice([".", "!"]))
    return [p for p in pieces if p]
