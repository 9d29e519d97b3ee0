"""Whether pictures show the things that were asked for, judged by drawings of another set (Noto, Apache-2.0).

  score_things.py prompts DATA FILE [SEEDS]   a prompt for each thing of words.tsv that the other set draws, too
  score_things.py score DATA FILE FOLDER      judges FOLDER/0.png, 1.png, ...: top-1 and top-5, variety, memorisation

The judge is a nearest neighbour on oriented gradients (Dalal and Triggs, 2005) and colours. It never saw a drawing of the
sets that the model learns from. Its own accuracy is measured on those drawings themselves, laid on white: what no model
can exceed by obeying.
"""
import json
import os
import random
import sys

import numpy as np
from PIL import Image

from drawings import SIDE, Drawings
from things import load_things

GRID = 48


def features(rgb):
    """One row of length 1 from a picture [H,W,3] of something on a flat ground: its box, cut out and brought to a square."""
    rgb = np.asarray(rgb, np.float32)
    ground = np.median(np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]]), 0)
    mask = np.abs(rgb - ground).max(-1) > 14
    if mask.sum() < 30:
        return np.zeros(1)
    rows, columns = np.where(mask.any(1))[0], np.where(mask.any(0))[0]
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    side = max(y1 - y0, x1 - x0)
    square = np.full((side, side, 3), 255, np.float32)
    square[(side - (y1 - y0)) // 2:, (side - (x1 - x0)) // 2:][:y1 - y0, :x1 - x0] = np.where(
        mask[y0:y1, x0:x1, None], rgb[y0:y1, x0:x1], 255)
    small = np.asarray(Image.fromarray(square.astype(np.uint8)).resize((GRID, GRID), Image.LANCZOS), np.float32) / 255
    gray = small.mean(-1)
    gy, gx = np.gradient(gray)
    size, angle = np.hypot(gx, gy), (np.arctan2(gy, gx) % np.pi) / np.pi * 8
    cells = []
    for k in range(8):
        share = np.clip(1 - np.abs((angle - k + 4) % 8 - 4), 0, 1) * size
        cells.append(share.reshape(8, 6, 8, 6).mean((1, 3)))
    edges = np.sqrt(np.stack(cells)).ravel()
    ink = (1 - small).reshape(8, 6, 8, 6, 3).mean((1, 3)).ravel()
    shape = (np.abs(small - 1).max(-1) > .06).astype(np.float32).reshape(16, 3, 16, 3).mean((1, 3)).ravel()
    unit = lambda v: v / max(float(np.linalg.norm(v)), 1e-6)
    return np.concatenate([unit(edges), unit(ink), unit(shape)]) / np.sqrt(3)


def on_white(pixels):
    alpha = pixels[..., 3:].astype(np.float32) / 255
    canvas = np.full((SIDE + 32, SIDE + 32, 3), 255, np.float32)
    canvas[16:-16, 16:-16] = pixels[..., :3] * alpha + 255 * (1 - alpha)
    return canvas


class Judge:
    def __init__(self, data, things):
        other = np.memmap(os.path.join(data, "other.rgba"), np.uint8, "r").reshape(-1, SIDE, SIDE, 4)
        rows, self.labels = [], []
        for number, thing in things:
            for row in thing.other:
                for mirrored in (False, True):
                    pixels = other[row][:, ::-1] if mirrored else other[row]
                    rows.append(features(on_white(pixels)))
                    self.labels.append(number)
        self.rows, self.labels = np.stack(rows), np.array(self.labels)

    def ranks(self, rgb):
        """Things, the likeliest first."""
        row = features(rgb)
        if len(row) == 1:
            return []
        order = self.labels[np.argsort(-(self.rows @ row))]
        return list(dict.fromkeys(order.tolist()))


def judged(data):
    things = load_things(Drawings(data))
    first = next(i for i, t in enumerate(things) if not t.shape)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "words.tsv"), encoding="utf8") as f:
        count = sum(1 for _ in f)
    return [(i, t) for i, t in enumerate(things[first:first + count]) if t.other]


def main(command, data, file, *rest):
    things = judged(data)
    if command == "prompts":
        rng = random.Random(1)
        seeds = int(rest[0]) if rest else 1
        entries = [{"prompt": ("an " if t.names["en"][0][0] in "aeio" else "a ") + t.names["en"][0], "thing": i,
                    "seed": rng.randrange(2 ** 31)} for i, t in things for _ in range(seeds)]
        with open(file, "w") as f:
            json.dump(entries, f)
        return
    with open(file) as f:
        entries = json.load(f)
    drawings, judge = Drawings(data), Judge(data, things)
    real = [(i, on_white(drawings.pixels(n))) for i, t in things for n in t.numbers["3d"]]
    own = [judge.ranks(rgb)[:5] for _, rgb in real]
    pictures = [np.asarray(Image.open(os.path.join(rest[0], f"{k}.png")).convert("RGB")) for k in range(len(entries))]
    made = [judge.ranks(rgb)[:5] for rgb in pictures]
    share = lambda found, wanted, n: float(np.mean([w in f[:n] for f, w in zip(found, wanted)]))
    print(json.dumps({
        "things": len(things), "pictures": len(entries),
        "judge on real drawings, top 1": round(share(own, [i for i, _ in real], 1), 3),
        "judge on real drawings, top 5": round(share(own, [i for i, _ in real], 5), 3),
        "top 1": round(share(made, [e["thing"] for e in entries], 1), 3),
        "top 5": round(share(made, [e["thing"] for e in entries], 5), 3)}, indent=2))
    # Against the drawings that the model learned from: what it drew, and how near to what it has seen.
    learned = np.stack([features(rgb) for _, rgb in real])
    labels = np.array([i for i, _ in real])
    rows = [features(rgb) for rgb in pictures]
    near = [learned @ r if len(r) > 1 else np.zeros(len(learned)) for r in rows]
    named = float(np.mean([labels[n.argmax()] == e["thing"] for n, e in zip(near, entries)]))
    distance = float(np.median([np.sqrt(max(0, 2 - 2 * n.max())) for n in near]))
    between = learned @ learned.T - 2 * np.eye(len(learned))
    apart = float(np.median(np.sqrt(2 - 2 * between.max(1).clip(-1, 1))))
    print(json.dumps({"nearest drawing of its own set is of the thing asked for": round(named, 3),
                      "distance to the nearest drawing, median": round(distance, 3),
                      "between different drawings and their nearest, median": round(apart, 3)}, indent=2))


if __name__ == "__main__":
    main(*sys.argv[1:])
