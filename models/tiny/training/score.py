"""Scores pictures against their prompts in the manner of GenEval, with classical image processing.

  score.py validate              the scorer judges 600 ground-truth renders; every one must be right
  score.py prompts FILE [N]      writes N prompts a task (default 100)
  score.py score FILE FOLDER     judges FOLDER/0.png, 1.png, ... against FILE; prints and writes the table
"""
import json
import os
import random
import sys

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from layout import LAYOUTS
from palette import COLOUR_NAMES, COLOURS
from shapes import SHAPES, draw_shape
from things import plural

TASKS = ["single object", "colour", "two objects", "counting", "position", "colour attribution"]
SIDE = 48


def to_lab(rgb):
    """sRGB 0..255 [..., 3] -> CIE L*a*b*, D65 (IEC 61966-2-1, CIE 15)."""
    c = np.asarray(rgb, np.float64) / 255
    c = np.where(c <= .04045, c / 12.92, ((c + .055) / 1.055) ** 2.4)
    xyz = c @ np.array([[.4124, .2126, .0193], [.3576, .7152, .1192], [.1805, .0722, .9505]]) / [.9505, 1., 1.089]
    f = np.where(xyz > .008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)


PALETTE = to_lab(np.array([COLOURS[c] for c in COLOUR_NAMES]))


def colour_name(lab):
    return COLOUR_NAMES[int(np.argmin(((PALETTE - lab) ** 2).sum(-1)))]


def _template(shape):
    image = Image.new("L", (400, 400))
    draw_shape(ImageDraw.Draw(image), shape, 200, 200, 150, 255)
    return normalise(np.asarray(image) > 127)


def normalise(mask):
    """The mask's bounding box as a SIDE x SIDE grid of coverage, and its width / height."""
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    box = mask[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1]
    grid = np.asarray(Image.fromarray(box.astype(np.uint8) * 255).resize((SIDE, SIDE), Image.BILINEAR)) > 127
    return grid, box.shape[1] / box.shape[0]


TEMPLATES = {shape: _template(shape) for shape in SHAPES}


def shape_name(mask):
    grid, aspect = normalise(mask)
    best, name = 0., None
    for shape, (template, its_aspect) in TEMPLATES.items():
        overlap = (grid & template).sum() / (grid | template).sum()
        overlap *= min(aspect / its_aspect, its_aspect / aspect) ** .5
        if overlap > best:
            best, name = overlap, shape
    return name if best > .72 else None


def objects(rgb):
    """What is in a picture [H,W,3]: (background colour, [{shape, colour, x, y}]) with x, y in 0..1."""
    lab = to_lab(rgb)
    h, w = lab.shape[:2]
    border = np.concatenate([lab[:4].reshape(-1, 3), lab[-4:].reshape(-1, 3), lab[:, :4].reshape(-1, 3),
                             lab[:, -4:].reshape(-1, 3)])
    background = np.median(border, 0)
    mask = np.sqrt(((lab - background) ** 2).sum(-1)) > 14
    labels, count = ndimage.label(ndimage.binary_dilation(mask, iterations=1))
    found = []
    for i in range(1, count + 1):
        part = mask & (labels == i)
        if part.sum() < .004 * h * w:
            continue
        inner = ndimage.binary_erosion(part, iterations=3)
        colour = colour_name(np.median(lab[inner if inner.sum() > 20 else part], 0))
        ys, xs = np.where(part)
        found.append({"shape": shape_name(part), "colour": colour, "x": float((xs.min() + xs.max()) / 2 / w),
                      "y": float((ys.min() + ys.max()) / 2 / h)})
    return colour_name(background), found


def _has(found, wanted):
    return [o for o in found if o["shape"] == wanted["shape"] and wanted.get("colour") in (None, o["colour"])]


def judge(rgb, goal):
    """Whether the picture has exactly what the goal names, where it names it."""
    background, found = objects(rgb)
    if goal.get("background") not in (None, background) or len(found) != goal["count"]:
        return False
    if goal["count"] != len(goal["objects"]):  # counting: all of one kind
        return len(_has(found, goal["objects"][0])) == goal["count"]
    if not all(_has(found, o) for o in goal["objects"]):
        return False
    if "relation" in goal:
        a, b = (_has(found, o)[0] for o in goal["objects"])
        dx, dy = b["x"] - a["x"], b["y"] - a["y"]
        return {"left": dx > .1 and dx > abs(dy), "right": dx < -.1 and -dx > abs(dy),
                "above": dy > .1 and dy > abs(dx), "below": dy < -.1 and -dy > abs(dx)}[goal["relation"]]
    return True


def prompts(n, seed=0):
    rng = random.Random(seed)
    pick_colour = lambda *used: rng.choice([c for c in COLOUR_NAMES if c not in used])
    pairs = [(a, b) for a in SHAPES for b in SHAPES if a != b]
    names = {2: "two", 3: "three", 4: "four", 5: "five"}
    relations = {"left": "to the left of", "right": "to the right of", "above": "above", "below": "below"}
    out = []
    for i in range(n):
        s = SHAPES[i % len(SHAPES)]
        out.append(("single object", f"a {s}", {"count": 1, "objects": [{"shape": s}]}))
        c = COLOUR_NAMES[(i * 7 + i // len(SHAPES)) % len(COLOUR_NAMES)]
        out.append(("colour", f"a {c} {s}", {"count": 1, "objects": [{"shape": s, "colour": c}]}))
        a, b = rng.choice(pairs)
        out.append(("two objects", f"a {a} and a {b}", {"count": 2, "objects": [{"shape": a}, {"shape": b}]}))
        k = 2 + i // len(SHAPES) % 4
        out.append(("counting", f"{names[k]} {plural(s)}", {"count": k, "objects": [{"shape": s}]}))
        a, b = rng.choice(pairs)
        relation = list(relations)[i % 4]
        out.append(("position", f"a {a} {relations[relation]} a {b}",
                    {"count": 2, "objects": [{"shape": a}, {"shape": b}], "relation": relation}))
        a, b = rng.choice(pairs)
        c = pick_colour()
        d = pick_colour(c)
        out.append(("colour attribution", f"a {c} {a} and a {d} {b}",
                    {"count": 2, "objects": [{"shape": a, "colour": c}, {"shape": b, "colour": d}]}))
    return [{"task": t, "prompt": p.replace("a orange", "an orange"), "goal": g, "seed": i}
            for i, (t, p, g) in enumerate(out)]


def _truth(rng):
    """A picture [256,256,3] of shapes, drawn without the model, and what it shows."""
    kind = rng.choice(["single", "left", "right", "above", "below", "2", "3", "4", "5"])
    spots, across, down = LAYOUTS[kind][0][0]
    ground = rng.choice(COLOUR_NAMES)
    pick = lambda: {"shape": rng.choice(SHAPES), "colour": rng.choice([c for c in COLOUR_NAMES if c != ground])}
    wanted = [pick() for _ in spots]
    if kind.isdigit():
        wanted = [wanted[0]] * len(spots)
    elif kind != "single" and wanted[0]["shape"] == wanted[1]["shape"]:
        wanted[1]["shape"] = SHAPES[(SHAPES.index(wanted[0]["shape"]) + 1) % len(SHAPES)]
    k = 4
    image = Image.new("RGB", (256 * k, 256 * k), COLOURS[ground])
    for (x, y), o in zip(spots, wanted):
        r = 256 * min(across, down) * rng.uniform(.8, 1)
        draw_shape(ImageDraw.Draw(image), o["shape"], x * 256 * k, y * 256 * k, r * k, COLOURS[o["colour"]])
    goal = {"count": len(spots), "objects": wanted[:1] if kind.isdigit() else wanted, "background": ground}
    if kind in ("left", "right", "above", "below"):
        goal["relation"] = kind
    return np.asarray(image.reduce(k)), goal


def validate(n=600):
    rng = random.Random(99)
    wrong = 0
    for _ in range(n):
        rgb, goal = _truth(rng)
        if not judge(rgb, goal):
            wrong += 1
            print("wrong:", goal, objects(rgb))
    print(f"{n - wrong} of {n} ground-truth pictures judged right")
    return wrong == 0


def wobble(rgb):
    """The spread of a circle's radius over its outline, as a share of the radius: standard deviation / mean."""
    lab = to_lab(rgb)
    ground = np.median(np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]]), 0)
    away = np.sqrt(((lab - ground) ** 2).sum(-1))
    mask = away > np.percentile(away, 99) / 2
    cy, cx = ndimage.center_of_mass(mask)
    # The radius along each ray: half the square root of four times the area of its sector.
    ys, xs = np.where(mask)
    sector = ((np.arctan2(ys - cy, xs - cx) + np.pi) / (2 * np.pi) * 48).astype(int) % 48
    radii = np.sqrt(2 * np.bincount(sector, minlength=48) / (2 * np.pi / 48))
    return float(radii.std() / radii.mean())


def score(entries, folder):
    right = {t: [] for t in TASKS}
    for i, entry in enumerate(entries):
        rgb = np.asarray(Image.open(os.path.join(folder, f"{i}.png")).convert("RGB"))
        right[entry["task"]].append(judge(rgb, entry["goal"]))
    table = {t: round(float(np.mean(v)), 3) for t, v in right.items() if v}
    table["mean"] = round(float(np.mean(list(table.values()))), 3)
    round_ones = [wobble(np.asarray(Image.open(os.path.join(folder, f"{i}.png")).convert("RGB")))
                  for i, e in enumerate(entries) if e["goal"]["count"] == 1 and e["goal"]["objects"][0]["shape"] == "circle"]
    if round_ones:
        table["radius spread of circles, median"] = round(float(np.median(round_ones)), 4)
        table["radius spread of circles, p90"] = round(float(np.quantile(round_ones, .9)), 4)
    return table


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    if command == "validate":
        sys.exit(0 if validate() else 1)
    if command == "prompts":
        with open(rest[0], "w") as f:
            json.dump(prompts(int(rest[1]) if len(rest) > 1 else 100), f, indent=1)
    elif command == "score":
        with open(rest[0]) as f:
            table = score(json.load(f), rest[1])
        print(json.dumps(table, indent=2))
        with open(os.path.join(rest[1], "score.json"), "w") as f:
            json.dump(table, f, indent=2)
