"""Geometric shapes as outlines in a square of -1..1."""
import math

SHAPES = ["circle", "square", "triangle", "star", "heart", "diamond", "crescent", "ring", "cross", "hexagon"]


def _arc(cx, cy, r, a0, a1, n=80):
    return [(cx + r * math.cos(a0 + (a1 - a0) * i / n), cy + r * math.sin(a0 + (a1 - a0) * i / n))
            for i in range(n + 1)]


def _heart(n=144):
    points = []
    for i in range(n):
        t = 2 * math.pi * i / n
        points.append((math.sin(t) ** 3,
                       -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)) / 16 - .1))
    return points


def _star(inner=.42):
    radii = [1 if i % 2 == 0 else inner for i in range(10)]
    return [(r * math.sin(math.pi * i / 5), .06 - r * math.cos(math.pi * i / 5)) for i, r in enumerate(radii)]


OUTLINES = {
    "square": [(-.86, -.86), (.86, -.86), (.86, .86), (-.86, .86)],
    "triangle": [(0, -.95), (1, .8), (-1, .8)],
    "star": _star(),
    "heart": _heart(),
    "diamond": [(0, -1), (.76, 0), (0, 1), (-.76, 0)],
    "crescent": [(x + .1, y) for x, y in _arc(-.1, 0, 1, math.radians(55), math.radians(305))]
                + [(x + .1, y) for x, y in _arc(.52, 0, .825, math.radians(264), math.radians(96))],
    "cross": [(-.32, -.98), (.32, -.98), (.32, -.32), (.98, -.32), (.98, .32), (.32, .32), (.32, .98), (-.32, .98),
              (-.32, .32), (-.98, .32), (-.98, -.32), (-.32, -.32)],
    "hexagon": [(math.cos(math.pi * i / 3), math.sin(math.pi * i / 3)) for i in range(6)],
}
RING_WIDTH = .4


def draw_shape(draw, shape, x, y, r, fill):
    if shape == "circle":
        draw.ellipse([x - r, y - r, x + r, y + r], fill=fill)
    elif shape == "ring":
        draw.ellipse([x - r, y - r, x + r, y + r], outline=fill, width=max(1, round(r * RING_WIDTH)))
    else:
        draw.polygon([(x + px * r, y + py * r) for px, py in OUTLINES[shape]], fill=fill)
