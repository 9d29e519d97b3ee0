"""Where things stand: what the caption leaves open is read from the noise, so that the seed decides it.

48 numbers of the noise say so: its inner products with checkerboards that swell like the lowest 4 x 4 cosines, in each of
the three channels. The finest checkerboard is where pictures have next to nothing, and `without_code` takes the rest of
it out of the finished latent; so the same numbers can be read, divided by t, from the latent of every step.
"""
import math

import torch

from lexicon import ARRANGEMENTS, PLACES, SIZES
from palette import COLOUR_NAMES, GROUNDS

SLOTS = 5
NUMBERS = 48
# Colours for what has none of its own; the seed picks one that is not the ground's.
SEED_COLOURS = ["red", "orange", "yellow", "green", "blue", "purple", "pink"]
TILT = math.radians(8)

_ROW2 = [(.27, .5), (.73, .5)]
_COLUMN2 = [(.5, .27), (.5, .73)]
_ROW3, _COLUMN3 = [(.18, .5), (.5, .5), (.82, .5)], [(.5, .18), (.5, .5), (.5, .82)]
_UP3, _DOWN3 = [(.5, .27), (.26, .73), (.74, .73)], [(.26, .27), (.74, .27), (.5, .73)]
_SQUARE4 = [(.27, .27), (.73, .27), (.27, .73), (.73, .73)]
_ROW4, _COLUMN4 = [(x, .5) for x in (.14, .38, .62, .86)], [(.5, y) for y in (.14, .38, .62, .86)]
_DICE5 = [(.2, .2), (.8, .2), (.5, .5), (.2, .8), (.8, .8)]
_THREE_TWO = [(.19, .3), (.5, .3), (.81, .3), (.34, .72), (.66, .72)]
_TWO_THREE = [(x, 1.02 - y) for x, y in _THREE_TWO]
# (places, largest half side as a share of the width, and of the height), for square, wide and tall pictures, two each.
_ACROSS, _DOWN = (_ROW2, .215, .42), (_COLUMN2, .42, .215)
LAYOUTS = {
    "none": [[([(.5, .5)], .4, .4)] * 2] * 3, "single": [[([(.5, .5)], .4, .4)] * 2] * 3,
    "left": [[_ACROSS] * 2] * 3, "right": [[(_ROW2[::-1], .215, .42)] * 2] * 3,
    "above": [[_DOWN] * 2] * 3, "below": [[(_COLUMN2[::-1], .42, .215)] * 2] * 3,
    "three": [[(_ROW3, .143, .42), (_UP3, .2, .2)], [(_ROW3, .143, .42)] * 2, [(_COLUMN3, .42, .143)] * 2],
    "2": [[_ACROSS, ([(.28, .36), (.72, .64)], .21, .3)], [_ACROSS] * 2, [_DOWN] * 2],
    "3": [[(_UP3, .2, .2), (_DOWN3, .2, .2)], [(_ROW3, .143, .42)] * 2, [(_COLUMN3, .42, .143)] * 2],
    "4": [[(_SQUARE4, .19, .19)] * 2, [(_ROW4, .108, .42), (_SQUARE4, .19, .19)], [(_COLUMN4, .42, .108), (_SQUARE4, .19, .19)]],
    "5": [[(_DICE5, .15, .15), (_THREE_TWO, .145, .19)], [(_THREE_TWO, .145, .19), (_TWO_THREE, .145, .19)],
          [([(y, x) for x, y in _THREE_TWO], .19, .145)] * 2],
}
# Half the side of a thing that is alone, as shares of the picture's shorter side: from, to.
SINGLE = [(.34, .45), (.15, .19), (.25, .30), (.42, .46)]  # left open, then SIZES
PLACED = (.2, .26)  # size left open, place asked for
SHARE = [1., .62, .85, 1.1]  # of several things: left open, then SIZES
STANDS = ["grass", "beach", "snow", "sea"]  # where a thing that is alone stands on the ground, not in the air


def table():
    """[3,2,11,5,4]: x, y, share of the width, share of the height."""
    out = torch.zeros(3, 2, len(ARRANGEMENTS), SLOTS, 4)
    for a, name in enumerate(ARRANGEMENTS):
        for aspect in range(3):
            for other in range(2):
                spots, across, down = LAYOUTS[name][aspect][other]
                for s, (x, y) in enumerate(spots):
                    out[aspect, other, a, s] = torch.tensor([x, y, across, down])
    return out


def _cosines(n, like):
    """[n,4]: the first four of the orthonormal DCT-II, times a checkerboard's sign."""
    i = torch.arange(n, device=like.device).to(like.dtype)
    k = torch.arange(4, device=like.device).to(like.dtype)
    waves = torch.cos(math.pi * (i[:, None] + .5) * k / n) * torch.sqrt((2 - (k == 0).to(like.dtype)) / n)
    return waves * (1 - 2 * (i % 2))[:, None]


def code_of(z):
    """The 48 numbers of latents [B,3,h,w]; of standard normal noise they are standard normal."""
    h, w = z.shape[2:]
    return (_cosines(h, z).transpose(0, 1) @ z @ _cosines(w, z)).flatten(1)


def without_code(x):
    h, w = x.shape[2:]
    across, down = _cosines(w, x), _cosines(h, x)
    return x - down @ (down.transpose(0, 1) @ x @ across) @ across.transpose(0, 1)


def stand(request, code, h, w):
    """(objects [B,5,6] as nets.place takes them, colours [B,5,12], which of a thing's drawings: [B,5] in 0..1).

    request: present [B,5], colours [B,5,12], sizes [B,5,4], place [B,10], arrangement [B,11], ground [B,19],
    paint [B,5] (1: it has no colour of its own), mirror [B,5], table [3,2,11,5,4]; h, w: the latents' size.
    """
    u = .5 * (1 + torch.erf(code / math.sqrt(2)))
    own = u[:, :30].reshape(-1, SLOTS, 6)
    sway = 2 * own - 1
    h, w = (torch.as_tensor(v).to(code.dtype) for v in (h, w))
    short = torch.minimum(h, w)
    wide, tall = (w > 1.35 * h).to(code.dtype), (h > 1.35 * w).to(code.dtype)
    aspect = torch.stack([1 - wide - tall, wide, tall])
    tables = (request["table"] * aspect[:, None, None, None, None]).sum(0)
    other = (u[:, 30:31] > .5).to(code.dtype)[..., None]
    chosen = lambda t: (request["arrangement"] @ t.flatten(1)).reshape(-1, SLOTS, 4)
    spots = chosen(tables[0]) * (1 - other) + chosen(tables[1]) * other

    scale = request["sizes"] @ torch.tensor(SHARE, device=code.device)
    r_many = torch.minimum(spots[..., 2] * w, spots[..., 3] * h) * scale * (1 - .1 * own[..., 2])
    x_many = spots[..., 0] * w + sway[..., 0] * .018 * w
    y_many = spots[..., 1] * h + sway[..., 1] * .018 * h

    span = request["sizes"] @ torch.tensor(SINGLE, device=code.device)
    placed = 1 - request["place"][:, :1]
    span = torch.where(((request["sizes"][..., :1] > .5) & (placed[:, None] > .5)), torch.tensor(PLACED, device=code.device), span)
    r_one = short * (span[..., 0] + (span[..., 1] - span[..., 0]) * own[..., 2])
    where = request["place"][:, 1:] @ torch.tensor([[float("right" in p) - float("left" in p),
                                                      float("bottom" in p) - float("top" in p)] for p in PLACES], device=code.device)
    room_x, room_y = (w / 2 - 1.03 * r_one).clamp(min=0), (h / 2 - 1.03 * r_one).clamp(min=0)
    loose = 1 - placed
    x_one = w / 2 + room_x * (where[:, :1] * (.97 + .03 * sway[..., 0]) + loose * .75 * sway[..., 0])
    stands = request["ground"][:, [GROUNDS.index(g) for g in STANDS]].sum(1, keepdim=True)
    y_free = torch.minimum(h * .5 + room_y, h * .84 - .92 * r_one + sway[..., 1] * .03 * h)
    y_free = stands * y_free + (1 - stands) * (h / 2 + room_y * .75 * sway[..., 1])
    y_one = loose * y_free + placed * (h / 2 + room_y * where[:, 1:] * (.97 + .03 * sway[..., 1]))

    one = request["arrangement"][:, :2].sum(1, keepdim=True)
    r = (one * r_one + (1 - one) * r_many) * request["present"]
    x, y = one * x_one + (1 - one) * x_many, one * y_one + (1 - one) * y_many
    tilt = TILT * sway[..., 3] * (1 - request["paint"])
    flip = 1 - 2 * request["mirror"] * (own[..., 4] > .5).to(code.dtype)
    objects = torch.stack([x / w, y / h, r, torch.cos(tilt), torch.sin(tilt), flip], -1)

    # Things of a kind share the seed's colour.
    kind = request["arrangement"][:, 7:].sum(1, keepdim=True)
    pick = kind * u[:, 32:33] + (1 - kind) * u[:, 32:32 + SLOTS]
    options = torch.arange(len(SEED_COLOURS), device=code.device).to(code.dtype)
    picked = (torch.floor(pick * len(SEED_COLOURS)).clamp(0, len(SEED_COLOURS) - 1)[..., None] == options).to(code.dtype)
    on = request["ground"][:, [COLOUR_NAMES.index(c) for c in SEED_COLOURS]][:, None]
    same = (picked * on).sum(-1, keepdim=True)
    picked = picked * (1 - same) + torch.cat([picked[..., -1:], picked[..., :-1]], -1) * same
    into = torch.zeros(len(SEED_COLOURS), 1 + len(COLOUR_NAMES), device=code.device)
    for i, c in enumerate(SEED_COLOURS):
        into[i, 1 + COLOUR_NAMES.index(c)] = 1
    seeded = (request["paint"] * request["colours"][..., 0])[..., None]
    colours = request["colours"] * (1 - seeded) + (picked @ into) * seeded
    return objects, colours, own[..., 5]
