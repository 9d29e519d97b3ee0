"""Colours and grounds that have names. Colours are sRGB 0..255."""
import numpy as np

COLOURS = {
    "red": (218, 38, 40), "orange": (245, 138, 28), "yellow": (250, 216, 48), "green": (46, 160, 72),
    "blue": (42, 92, 214), "purple": (132, 56, 178), "pink": (246, 142, 188), "brown": (124, 78, 44),
    "black": (24, 24, 28), "white": (248, 248, 248), "gray": (148, 150, 154),
}
COLOUR_NAMES = list(COLOURS)

# A landscape's upper part, from top to horizon, and its lower part, from there to the bottom.
LANDSCAPES = {
    "sky": ((110, 186, 246), (214, 238, 253), None, None),
    "night": ((16, 22, 58), (58, 66, 122), None, None),
    "sunset": ((238, 108, 92), (255, 208, 130), None, None),
    "space": ((8, 8, 24), (34, 24, 62), None, None),
    "grass": ((150, 208, 248), (224, 242, 252), (126, 200, 92), (88, 172, 72)),
    "sea": ((168, 216, 248), (226, 242, 252), (46, 140, 206), (24, 100, 176)),
    "beach": ((142, 208, 248), (220, 242, 252), (248, 224, 164), (238, 204, 136)),
    "snow": ((168, 200, 232), (222, 234, 246), (250, 252, 255), (232, 240, 250)),
}
HORIZON = .66
GROUNDS = COLOUR_NAMES + list(LANDSCAPES)
WHITE = GROUNDS.index("white")


def ground(name, height):
    """The ground's colour in each row: float32 [height, 3], 0..255. A white ground is exactly white."""
    if name == "white":
        return np.full((height, 3), 255, np.float32)
    if name in COLOURS:
        return np.broadcast_to(np.float32(COLOURS[name]), (height, 3))
    y = ((np.arange(height) + .5) / height)[:, None].astype(np.float32)
    top, middle, below, bottom = (None if c is None else np.float32(c) for c in LANDSCAPES[name])
    if below is None:
        return top + (middle - top) * y
    upper = top + (middle - top) * (y / HORIZON)
    lower = below + (bottom - below) * ((y - HORIZON) / (1 - HORIZON))
    share = np.clip((y - HORIZON) * height + .5, 0, 1)
    return upper * (1 - share) + lower * share
