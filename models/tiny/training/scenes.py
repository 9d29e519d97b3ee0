"""Scenes of any drawings anywhere, for the networks that draw; what captions ask for is in world.py."""
import math

from palette import COLOUR_NAMES, GROUNDS

# Width and height of training pictures in pixels; all about 384 x 384 in area.
BUCKETS = [(384, 384), (480, 304), (304, 480), (432, 336), (336, 432), (576, 256), (256, 576)]


def pick_bucket(rng, whole=.15):
    """A share of whole pictures; the rest are small cut-outs, which teach as much at a third of the cost: the networks
    that draw look at each place by itself."""
    if rng.random() < whole:
        return BUCKETS[0] if rng.random() < .5 else rng.choice(BUCKETS[1:])
    return rng.choice([(208, 208), (240, 240), (256, 240), (240, 256), (304, 176), (176, 304)])


def _random_object(rng, drawings, x, y, r, ground):
    number = drawings.pick(rng)
    colour = None
    if drawings.is_shape(number) or (rng.random() < .35 and drawings.recolourable(number)):
        colour = rng.choice([c for c in COLOUR_NAMES if c != ground])
    return {"drawing": number, "colour": colour, "x": x, "y": y, "r": r, "tilt": rng.uniform(-9, 9),
            "flip": rng.random() < .5}


def random_scene(rng, drawings, bucket):
    """One to five objects in a grid of cells that fits the picture; one is commonest."""
    w, h = bucket
    short = min(w, h)
    name = "white" if rng.random() < .4 else rng.choice(GROUNDS)
    scene = {"width": w, "height": h, "ground": name, "objects": []}
    n = rng.choices([1, 2, 3, 4, 5], [.5, .22, .11, .1, .07])[0]
    if n == 1:
        # As large in pixels as in a whole picture, so that a cut-out's object may reach over its border.
        r = rng.uniform(45, 175) if short < 256 else short * rng.uniform(.12, .46)
        margin = min(r * .8, short / 2)
        cells = [(rng.uniform(margin, w - margin), rng.uniform(margin, h - margin), r)]
    else:
        columns = max(1, min(n, round(math.sqrt(n * w / h) + rng.uniform(-.4, .4))))
        rows = math.ceil(n / columns)
        across, down = w / columns, h / rows
        spots = [(c, r) for r in range(rows) for c in range(columns)]
        rng.shuffle(spots)
        cells = []
        for c, row in spots[:n]:
            r = min(across, down) / 2 * rng.uniform(.6, 1)
            cells.append(((c + .5) * across + rng.uniform(-1, 1) * (across / 2 - r),
                          (row + .5) * down + rng.uniform(-1, 1) * (down / 2 - r), r))
    same = n > 1 and rng.random() < .35
    for x, y, r in cells:
        if same and scene["objects"]:
            scene["objects"].append({**scene["objects"][0], "x": x, "y": y, "r": r, "tilt": rng.uniform(-9, 9)})
        else:
            scene["objects"].append(_random_object(rng, drawings, x, y, r, name))
    return scene
