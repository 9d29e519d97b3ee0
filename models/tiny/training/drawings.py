"""The drawings that the model learns from, as pixels: loaded, recoloured, and laid onto a ground.

A drawing is a square RGBA picture. A scene's object says where it stands: centre (x, y) and r, half its side, in pixels
of the picture; tilt in degrees, counter-clockwise; flip, whether it is mirrored.
"""
import json
import os
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from palette import COLOURS, ground
from shapes import SHAPES, draw_shape

SIDE = 256
STYLES = ["3d", "flat"]


def _smooth(x, a, b):
    t = np.clip((x - a) / (b - a), 0, 1)
    return t * t * (3 - 2 * t)


def luminance(rgb):
    return rgb @ np.float32([.2126, .7152, .0722])


def main_colour(pixels):
    """How much each pixel [H,W] belongs to the drawing's main colour, 0..1, and that colour's mean luminance 0..1."""
    rgb, alpha = pixels[..., :3].astype(np.float32) / 255, pixels[..., 3].astype(np.float32) / 255
    top, bottom = rgb.max(-1), rgb.min(-1)
    chroma = top - bottom
    saturation = chroma / np.maximum(top, .02)
    safe = np.maximum(chroma, 1e-4)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    hue = np.where(top == r, ((g - b) / safe) % 6, np.where(top == g, (b - r) / safe + 2, (r - g) / safe + 4)) * 60
    coloured = alpha * _smooth(saturation, .15, .35) * _smooth(top, .1, .25)
    if coloured.sum() > .35 * alpha.sum():
        bins = np.bincount((hue.astype(int) // 10).ravel() % 36, coloured.ravel(), 36)
        wide = bins + .7 * (np.roll(bins, 1) + np.roll(bins, -1))
        peak = wide.argmax() * 10 + 5
        away = np.abs((hue - peak + 180) % 360 - 180)
        weight = coloured * (1 - _smooth(away, 24, 42))
    else:
        weight = alpha * (1 - _smooth(saturation, .2, .4)) * _smooth(top, .2, .35)
    level = float((luminance(rgb) * weight).sum() / max(weight.sum(), 1e-3))
    return weight, level


def recolour(pixels, weight, level, target):
    """The drawing with its main colour turned into `target` (0..255), its light and shade kept."""
    rgb = pixels[..., :3].astype(np.float32) / 255
    goal = np.float32(target) / 255
    ratio = (luminance(rgb) / max(level, .05))[..., None].clip(.35, 2)
    shaded = goal * np.minimum(ratio, 1) ** .8 + (1 - goal) * .55 * np.maximum(ratio - 1, 0).clip(0, 1)
    mixed = rgb + weight[..., None] * (shaded - rgb)
    return np.concatenate([(mixed.clip(0, 1) * 255 + .5).astype(np.uint8), pixels[..., 3:]], -1)


def shape_drawing(name):
    """A geometric shape in plain gray; its colour always comes from the caption or the seed."""
    image = Image.new("L", (SIDE * 4, SIDE * 4))
    draw_shape(ImageDraw.Draw(image), name, SIDE * 2, SIDE * 2, SIDE * 1.92, 255)
    alpha = np.asarray(image.reduce(4))
    return np.dstack([np.full((SIDE, SIDE, 3), 128, np.uint8), alpha])


class Drawings:
    """All drawings by number: those of a style in the order of its file, then the shapes."""

    def __init__(self, folder):
        with open(os.path.join(folder, "index.json")) as f:
            self.index = json.load(f)
        self.sets = {s: np.memmap(os.path.join(folder, f"{s}.rgba"), np.uint8, "r").reshape(-1, SIDE, SIDE, 4)
                     for s in STYLES}
        self.first, count = {}, 0
        for style in STYLES:
            self.first[style] = count
            count += len(self.sets[style])
        self.first["shape"] = count
        self.shapes = np.stack([shape_drawing(s) for s in SHAPES])
        self.count = count + len(SHAPES)
        self.mains = lru_cache(4000)(lambda number: self._main(number))

        # What is drawn most often: the default style, without people in trades and flags beyond their share.
        self.pool = [self.number(s, row[s]) for row in self.index for s in STYLES if row[s] >= 0
                     for _ in range(1 if row["group"] in (1, 8, 9) else 3 if s == "3d" else 2)]

    def pick(self, rng):
        return self.first["shape"] + rng.randrange(len(SHAPES)) if rng.random() < .08 else rng.choice(self.pool)

    def is_shape(self, number):
        return number >= self.first["shape"]

    def number(self, style, row):
        return self.first[style] + row

    def pixels(self, number):
        for style in reversed(STYLES + ["shape"]):
            if number >= self.first[style]:
                return (self.shapes if style == "shape" else self.sets[style])[number - self.first[style]]
        raise IndexError(number)

    def _main(self, number):
        pixels = self.pixels(number)[::2, ::2]
        weight, level = main_colour(pixels)
        if number >= self.first["shape"]:
            weight = pixels[..., 3] / np.float32(255)
        alpha = int(pixels[..., 3].sum(dtype=np.int64))
        return (weight * 255).astype(np.uint8), level, weight.sum() * 255 > .33 * alpha

    def recolourable(self, number):
        return self.mains(number)[2]

    def coloured(self, number, colour):
        pixels = self.pixels(number)
        if colour is None:
            return pixels
        weight, level, _ = self.mains(number)
        weight = weight.repeat(2, 0).repeat(2, 1) / np.float32(255)
        return recolour(pixels, weight, level, COLOURS[colour])


def lay(canvas, pixels, x, y, r, tilt=0., flip=False):
    """Lays a drawing onto the canvas [H,W,3] float32, in place."""
    image = Image.fromarray(np.ascontiguousarray(pixels), "RGBA")
    image = image.convert("RGBa")
    if flip:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    side = max(2, round(2 * r))
    # Where rounding moves an edge by half a pixel, that is an eighth of a latent cell.
    image = image.resize((side, side), Image.BICUBIC)
    if tilt:
        image = image.rotate(tilt, Image.BICUBIC, expand=True)
    w, h = image.size
    left, top = round(x - w / 2), round(y - h / 2)
    height, width = canvas.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + w, width), min(top + h, height)
    if x0 >= x1 or y0 >= y1:
        return
    part = np.asarray(image, np.float32)[y0 - top:y1 - top, x0 - left:x1 - left]
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - part[..., 3:] / 255) + part[..., :3]


def render(drawings, scene):
    """The scene as uint8 [height, width, 3]."""
    rows = ground(scene["ground"], scene["height"])
    canvas = np.repeat(rows[:, None], scene["width"], 1).astype(np.float32)
    for o in scene["objects"]:
        lay(canvas, drawings.coloured(o["drawing"], o["colour"]), o["x"], o["y"], o["r"], o["tilt"], o["flip"])
    return (canvas.clip(0, 255) + .5).astype(np.uint8)
