"""The world the tiny model knows: flat shapes, named colours, places and counts, and the English that asks for them.

A scene is a plain dict; `render` draws it, `caption` says it (differently each time), `targets` lists what the
caption asked for. Nothing here needs torch.
"""
import math
import re

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ["circle", "square", "triangle", "star", "heart", "diamond", "moon", "ring", "cross", "house"]
COLOURS = {
    "red": (218, 38, 40), "orange": (245, 138, 28), "yellow": (250, 216, 48), "green": (46, 160, 72),
    "blue": (42, 92, 214), "purple": (132, 56, 178), "pink": (246, 142, 188), "brown": (124, 78, 44),
    "black": (24, 24, 28), "white": (248, 248, 248), "gray": (148, 150, 154),
}
COLOUR_NAMES = list(COLOURS)
SIZES = ["small", "medium", "large"]
PLACES = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"]
RELATIONS = ["left", "right", "above", "below", "and"]
MAX_OBJECTS = 4

# Width and height of the pictures the model is trained on, in pixels; all about 256 x 256 in area.
BUCKETS = [(256, 256), (320, 192), (192, 320), (288, 224), (224, 288), (384, 192), (192, 384), (448, 160),
           (160, 448)]

SHAPE_WORDS = {
    "circle": ["circle", "disc", "dot", "ball"], "square": ["square", "box"], "triangle": ["triangle"],
    "star": ["star"], "heart": ["heart"], "diamond": ["diamond", "rhombus"], "moon": ["moon", "crescent"],
    "ring": ["ring", "donut"], "cross": ["cross", "plus"], "house": ["house", "home"],
}
PLURALS = {"box": "boxes", "cross": "crosses", "rhombus": "rhombuses", "plus": "pluses"}
COLOUR_WORDS = {"purple": ["purple", "violet"], "gray": ["gray", "grey"]}
SIZE_WORDS = {"small": ["small", "little", "tiny"], "medium": ["medium", "medium-sized"],
              "large": ["large", "big", "huge"]}
PLACE_WORDS = {
    "top left": ["in the top left", "in the top left corner", "in the upper left corner"],
    "top": ["at the top", "near the top"],
    "top right": ["in the top right", "in the top right corner", "in the upper right corner"],
    "left": ["on the left", "on the left side"],
    "center": ["in the center", "in the middle", "in the centre"],
    "right": ["on the right", "on the right side"],
    "bottom left": ["in the bottom left", "in the bottom left corner", "in the lower left corner"],
    "bottom": ["at the bottom", "near the bottom"],
    "bottom right": ["in the bottom right", "in the bottom right corner", "in the lower right corner"],
}
RELATION_WORDS = {
    "left": ["left of", "to the left of", "on the left of"],
    "right": ["right of", "to the right of", "on the right of"],
    "above": ["above", "on top of", "over"],
    "below": ["below", "under", "underneath", "beneath"],
    "and": ["and", "and", "next to", "with", "beside"],
}
COUNT_WORDS = {2: ["two", "2", "a pair of", "a couple of"], 3: ["three", "3"], 4: ["four", "4"]}
PREFIXES = ["a picture of", "a drawing of", "draw", "an image of", "a photo of", "an illustration of", "paint",
            "please draw", "make", "show me", "create", "generate", "a painting of", "i want"]
TAILS = ["flat style", "minimalist", "vector art", "simple", "clean", "high quality", "flat design", "digital art",
         "in a flat style", "icon", "highly detailed"]
# Not in the vocabulary: they stand for every word the model does not know.
UNKNOWN_WORDS = ["shiny", "cute", "mysterious", "lovely", "wooden", "friendly"]
BACKGROUND_WORDS = ["on a {} background", "on {}", "against a {} background", "with a {} background",
                    "on a {} backdrop", "{} background", "in front of a {} background"]


def held_out(kind, a, b):
    """Combinations never drawn in training, so that scores on them measure composition, not memory."""
    if kind == "shape-colour":
        return (SHAPES.index(a) * 5 + COLOUR_NAMES.index(b)) % 12 == 3
    if kind == "shape-shape":
        i, j = sorted((SHAPES.index(a), SHAPES.index(b)))
        return (i * 3 + j * 5) % 8 == 2
    return (b * 4 + SHAPES.index(a)) % 7 in (1, 5)  # count-shape


def _pick_object(rng, background, holdout=True, shape=None):
    while True:
        s = shape or rng.choice(SHAPES)
        c = rng.choice(COLOUR_NAMES)
        if c != background and not (holdout and held_out("shape-colour", s, c)):
            return {"shape": s, "colour": c}


def _place_single(rng, w, h, size):
    """Centre and radius (pixels) of a single object; the nine places are thirds of the picture."""
    short = min(w, h)
    r = short * {"small": rng.uniform(.13, .18), "medium": rng.uniform(.22, .29),
                 "large": rng.uniform(.34, .42)}[size]
    if size == "large" or rng.random() < .45:
        place = "center"
        x, y = w / 2 + rng.uniform(-.05, .05) * short, h / 2 + rng.uniform(-.05, .05) * short
    else:
        place = rng.choice([p for p in PLACES if p != "center"])
        edge = r * 1.08 + short * .03
        span = short * .06
        xs = {"left": edge + rng.uniform(0, span), "right": w - edge - rng.uniform(0, span)}
        ys = {"top": edge + rng.uniform(0, span), "bottom": h - edge - rng.uniform(0, span)}
        parts = place.split()
        x = next((xs[p] for p in parts if p in xs), w / 2 + rng.uniform(-.04, .04) * short)
        y = next((ys[p] for p in parts if p in ys), h / 2 + rng.uniform(-.04, .04) * short)
    return place, x, y, r


def default_background(colours):
    """What a caption that names no background means: white, or what a white object is seen on."""
    return "white" if "white" not in colours else "black" if "blue" in colours else "blue"


def _spread(rng, w, h, cells, r):
    """Jitters points given in fractions of the picture, keeping each circle of radius r inside."""
    points = []
    for fx, fy in cells:
        x = min(max(fx * w + rng.uniform(-.025, .025) * w, r * 1.1 + 3), w - r * 1.1 - 3)
        y = min(max(fy * h + rng.uniform(-.025, .025) * h, r * 1.1 + 3), h - r * 1.1 - 3)
        points.append((x, y))
    return points


LAYOUTS = {
    2: [(.27, .5), (.73, .5)],
    3: [(.5, .25), (.26, .72), (.74, .72)],
    4: [(.27, .27), (.73, .27), (.27, .73), (.73, .73)],
}


def is_canonical(scene):
    """Whether things of a kind stand as LAYOUTS says."""
    return scene["kind"] != "count" or all(
        abs(o["x"] / scene["width"] - x) < .07 and abs(o["y"] / scene["height"] - y) < .07
        for o, (x, y) in zip(scene["objects"], LAYOUTS[len(scene["objects"])]))


def sample_scene(rng, kind=None, holdout=True, bucket=None, mix=(.5, .3, .2)):
    """A scene of kind "single", "two" or "count" on one of BUCKETS."""
    kind = kind or rng.choices(["single", "two", "count"], mix)[0]
    w, h = bucket or (BUCKETS[0] if rng.random() < .7 else rng.choice(BUCKETS[1:]))
    background = rng.choice(COLOUR_NAMES + ["white"] * 5)
    scene = {"kind": kind, "width": w, "height": h, "background": background, "objects": []}
    short = min(w, h)
    if kind == "single":
        size = rng.choices(SIZES, [.25, .35, .4])[0]
        place, x, y, r = _place_single(rng, w, h, size)
        scene.update(size=size, place=place)
        scene["objects"].append({**_pick_object(rng, background, holdout), "x": x, "y": y, "r": r})
    elif kind == "two":
        relation = rng.choice(RELATIONS)
        while True:
            a, b = _pick_object(rng, background, holdout), _pick_object(rng, background, holdout)
            if a["shape"] != b["shape"] and not (holdout and held_out("shape-shape", a["shape"], b["shape"])):
                break
        r = short * rng.uniform(.15, .195)
        horizontal = relation in ("left", "right") or (relation == "and" and rng.random() < (.75 if w >= h else .3))
        cells = [(.27, .5), (.73, .5)] if horizontal else [(.5, .26), (.5, .74)]
        if relation in ("right", "below") or (relation == "and" and rng.random() < .5):
            cells = cells[::-1]
        for o, (x, y) in zip((a, b), _spread(rng, w, h, cells, r)):
            scene["objects"].append({**o, "x": x, "y": y, "r": r})
        scene["relation"] = relation
    else:
        while True:
            n, o = rng.choice([2, 3, 4]), _pick_object(rng, background, holdout)
            if not (holdout and held_out("count-shape", o["shape"], n)):
                break
        cells = LAYOUTS[n]
        r = short * rng.uniform(.11, .13)
        for x, y in _spread(rng, w, h, cells, r):
            scene["objects"].append({**o, "x": x, "y": y, "r": r})
    colours = [o["colour"] for o in scene["objects"]]
    if "white" in colours and default_background(colours) not in colours and rng.random() < .6:
        background = scene["background"] = default_background(colours)
    for o in scene["objects"]:
        o["rgb"] = tuple(min(255, max(0, v + rng.randint(-6, 6))) for v in COLOURS[o["colour"]])
    scene["rgb"] = tuple(min(255, max(0, v + rng.randint(-5, 5))) for v in COLOURS[background])
    return scene


def _arc(cx, cy, r, a0, a1, n=40):
    return [(cx + r * math.cos(a0 + (a1 - a0) * i / n), cy + r * math.sin(a0 + (a1 - a0) * i / n))
            for i in range(n + 1)]


def _heart():
    pts = []
    for i in range(72):
        t = 2 * math.pi * i / 72
        pts.append((math.sin(t) ** 3,
                    -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16 - .1))
    return pts


OUTLINES = {
    "square": [(-.86, -.86), (.86, -.86), (.86, .86), (-.86, .86)],
    "triangle": [(0, -.95), (1, .8), (-1, .8)],
    "star": [((1 if i % 2 == 0 else .42) * math.sin(math.pi * i / 5), -(1 if i % 2 == 0 else .42)
              * math.cos(math.pi * i / 5) + .06) for i in range(10)],
    "heart": _heart(),
    "diamond": [(0, -1.05), (.76, 0), (0, 1.05), (-.76, 0)],
    "moon": [(x - .1, y) for x, y in _arc(0, 0, 1, math.radians(55), math.radians(305))]
            + [(x - .1, y) for x, y in _arc(.62, 0, .825, math.radians(264), math.radians(96))],
    "cross": [(-.32, -.98), (.32, -.98), (.32, -.32), (.98, -.32), (.98, .32), (.32, .32), (.32, .98), (-.32, .98),
              (-.32, .32), (-.98, .32), (-.98, -.32), (-.32, -.32)],
    "house": [(0, -1), (1, -.12), (.74, -.12), (.74, .95), (-.74, .95), (-.74, -.12), (-1, -.12)],
}
RING_WIDTH = .4


def draw_shape(draw, shape, x, y, r, fill):
    if shape == "circle":
        draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)
    elif shape == "ring":
        draw.ellipse([x - r, y - r, x + r, y + r], outline=fill, width=max(1, round(r * RING_WIDTH)))
    else:
        draw.polygon([(x + px * r, y + py * r) for px, py in OUTLINES[shape]], fill=fill)


def render(scene, supersample=3):
    """The scene as uint8 [height, width, 3]."""
    k = supersample
    image = Image.new("RGB", (scene["width"] * k, scene["height"] * k), scene["rgb"])
    draw = ImageDraw.Draw(image)
    for o in scene["objects"]:
        draw_shape(draw, o["shape"], o["x"] * k, o["y"] * k, o["r"] * k, o["rgb"])
    return np.asarray(image.reduce(k))


def _plural(word):
    return PLURALS.get(word, word + "s")


def _noun(rng, o, say_colour, size=None, plural=False, unknown=False):
    words = SHAPE_WORDS[o["shape"]]
    noun = words[0] if rng.random() < .7 else rng.choice(words)
    parts = []
    if unknown:
        parts.append(rng.choice(UNKNOWN_WORDS))
    if size:
        parts.append(rng.choice(SIZE_WORDS[size]))
    if say_colour:
        parts.append(rng.choice(COLOUR_WORDS.get(o["colour"], [o["colour"]])))
    parts.append(_plural(noun) if plural else noun)
    return " ".join(parts)


def _a(phrase):
    return ("an " if phrase[0] in "aeio" else "a ") + phrase


def caption(rng, scene):
    """One way to ask for the scene, and what that wording asked for: (text, targets).

    targets: one dict per object slot with shape, colour, size, place, relation (None = left open), and the background.
    """
    kind, objects = scene["kind"], scene["objects"]
    unknown = rng.random() < .12
    # What a caption leaves open is drawn in one way: centred, not small, side by side, on white (what is white: on blue).
    # A reader expects no less, and a small model cannot afford to guess where things go.
    slots = []
    place_text = ""
    if kind == "single":
        o = objects[0]
        say_colour = rng.random() < .75
        say_size = scene["size"] == "small" or rng.random() < .25
        say_place = scene["place"] != "center" or rng.random() < .25
        text = _a(_noun(rng, o, say_colour, scene["size"] if say_size else None, unknown=unknown))
        if say_place:
            place_text = " " + rng.choice(PLACE_WORDS[scene["place"]])
        slots = [{"shape": o["shape"], "colour": o["colour"] if say_colour else None,
                  "size": scene["size"] if say_size else None, "place": scene["place"] if say_place else None,
                  "relation": None}]
        if rng.random() < .1:
            text = text.split(" ", 1)[1]  # bare: "red circle"
    elif kind == "two":
        dx, dy = objects[1]["x"] - objects[0]["x"], objects[1]["y"] - objects[0]["y"]
        relation = ("left" if dx > 0 else "right") if abs(dx) > abs(dy) else ("above" if dy > 0 else "below")
        if relation in ("left", "right") and (scene["relation"] == "and" or rng.random() < .5):
            # "and" means side by side, the first one on the left.
            objects = objects if relation == "left" else objects[::-1]
            relation = "and"
        says = [rng.random() < .8 for _ in objects]
        a, b = (_a(_noun(rng, o, s, unknown=unknown and rng.random() < .5)) for o, s in zip(objects, says))
        text = f"{a} {rng.choice(RELATION_WORDS[relation])} {b}"
        opposite = {"left": "right", "right": "left", "above": "below", "below": "above", "and": None}
        directions = [None if relation == "and" else relation, opposite[relation]]
        slots = [{"shape": o["shape"], "colour": o["colour"] if s else None, "size": None, "place": None,
                  "relation": d} for o, s, d in zip(objects, says, directions)]
    else:
        o, n = objects[0], len(objects)
        say_colour = rng.random() < .7
        text = f"{rng.choice(COUNT_WORDS[n])} {_noun(rng, o, say_colour, plural=True, unknown=unknown)}"
        slots = [{"shape": o["shape"], "colour": o["colour"] if say_colour else None, "size": None, "place": None,
                  "relation": None} for _ in objects]
    background = ""
    # Only colours that are said tell what stands out.
    expected = default_background([slot["colour"] for slot in slots])
    say_background = scene["background"] != expected or rng.random() < .3
    if say_background:
        word = rng.choice(COLOUR_WORDS.get(scene["background"], [scene["background"]]))
        background = " " + rng.choice(BACKGROUND_WORDS).format(word)
        if background.startswith((" blue b",)) or background.endswith(" background") and background.count(" ") == 2:
            background = "," + background
    text += place_text + background if rng.random() < .5 else background + place_text
    if rng.random() < .35:
        text = f"{rng.choice(PREFIXES)} {text}"
    if rng.random() < .2:
        text += f", {rng.choice(TAILS)}"
    return text, {"slots": slots, "background": scene["background"] if say_background else None}


def vocabulary():
    """Every word a caption can hold, after the special tokens; ids are positions in this list."""
    special = ["[PAD]", "[UNK]", "[GLOBAL]"] + [f"[OBJECT{i}]" for i in range(1, MAX_OBJECTS + 1)]
    words = set("a an of , . the on in is there with and".split())
    for table in (SHAPE_WORDS, COLOUR_WORDS, SIZE_WORDS, PLACE_WORDS, RELATION_WORDS, COUNT_WORDS):
        for phrases in table.values():
            for p in phrases:
                words.update(p.replace("-", " - ").split())
    for nouns in SHAPE_WORDS.values():
        words.update(_plural(n) for n in nouns)
    words.update(COLOUR_NAMES)
    for p in PREFIXES + TAILS + [b.replace("{}", " ") for b in BACKGROUND_WORDS]:
        words.update(p.replace("-", " - ").split())
    return special + sorted(words)


def words_of(text):
    """Lower-cased words; every other character but white space stands alone (as a BERT pre-tokenizer splits)."""
    return re.findall(r"[^\W_]+|[^\w\s]|_", text.lower())
