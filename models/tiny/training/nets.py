"""The networks that draw: picture encoder and decoder, denoiser.

A latent is the picture itself at a quarter of its size (the encoder is a box filter), so that grounds stay exact, an
edit's colours stay what they were, and a mask is exact to four pixels. The decoder brings the edges back.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from layout import SLOTS
from layers import ResBlock, Up, fourier
from codes import BLOCK, CODE, FINE, LAYERS, PLANE
from palette import COLOURS, GROUNDS, ground

LATENT_CHANNELS = 3
LATENT_SCALE = 4  # pixels of the picture per latent cell
GROUND_ROWS = 33
DECODER_FILTERS = 384


class Encoder(nn.Module):
    """Picture [B,3,H,W] in -1..1 -> latents [B,3,H/4,W/4]: the box filter."""

    def forward(self, x):
        return F.avg_pool2d(x, LATENT_SCALE)


class Decoder(nn.Module):
    """Latents [B,3,h,w] -> picture [B,3,4h,4w] in -1..1: bilinear, and what sharpens it, cell by cell from 5 x 5 cells.

    Rectified filters without bias, as sharpening is the same at any contrast; filters of mean zero, so that a flat ground
    stays exactly what it is.
    """

    def __init__(self, filters=DECODER_FILTERS):
        super().__init__()
        self.filters = nn.Conv2d(3, filters, 5, bias=False)
        self.linear = nn.Conv2d(3, 3 * LATENT_SCALE ** 2, 5, bias=False)
        self.mix = nn.Conv2d(filters, 3 * LATENT_SCALE ** 2, 1, bias=False)

    def forward(self, z):
        base = F.interpolate(z, scale_factor=float(LATENT_SCALE), mode="bilinear", align_corners=False)
        around = F.pad(z, (2, 2, 2, 2), mode="replicate")
        sharp = self.mix(F.relu(self.filters(around))) + self.linear(around)
        return base + F.pixel_shuffle(sharp, LATENT_SCALE)


def place(planes, objects, h, w):
    """Lays planes [B,S,C,P,P] where the objects stand: [B,C,h,w], zero elsewhere.

    objects [B,S,6]: x, y (0..1 of the picture), r (half the side, in latent cells), cosine and sine of the tilt, and the
    mirror's sign; an object with r = 0 is not there.
    """
    b, s, c, p, _ = planes.shape
    ys = (torch.arange(h, device=planes.device) + .5)[:, None]
    xs = (torch.arange(w, device=planes.device) + .5)[None, :]
    x, y, r, cos, sin, mirror = (v[..., None, None] for v in objects.unbind(-1))
    there = (r > 0).to(planes.dtype)
    r = r + (1 - there)
    dx, dy = (xs - x * w) / r, (ys - y * h) / r
    # The inverse of a rotation that is counter-clockwise as seen (y points down).
    grid = torch.stack([(cos * dx - sin * dy) * mirror, sin * dx + cos * dy], -1)
    laid = F.grid_sample(planes.flatten(0, 1), grid.flatten(0, 1), mode="bilinear", padding_mode="zeros",
                         align_corners=False)
    return (laid.reshape(b, s, c, h, w) * there[:, :, None]).sum(1)


class Denoiser(nn.Module):
    """x0 [B,3,h,w] from noisy latents [B,3,h,w] and what stands where.

    codes [B,5,20,24,24] and own colours [B,5,3] (see codes.py), colours [B,5,12] (one-hot; the first is "its own"), objects
    [B,5,6] as `place` takes them, grounds [B,19] (one-hot), t [B] in 0..1. Height and width must be multiples of 4.

    The drawings are decoded, coloured, laid over the ground by their alpha, as in a slot decoder (Locatello et al., arXiv
    2006.15055), and a U-Net says what is to be changed of that, from the noisy latents.
    """

    def __init__(self, basis=None, widths=(20, 40, 80)):
        super().__init__()
        a, b, c = widths
        condition = 48
        self.corrects = True  # whether the U-Net has its say
        self.register_buffer("basis", torch.zeros(CODE, LAYERS * BLOCK ** 2) if basis is None else torch.as_tensor(basis))
        self.register_buffer("palette", torch.tensor([(0, 0, 0), *COLOURS.values()]) / 255)
        profile = torch.stack([torch.tensor(ground(g, GROUND_ROWS).copy()) for g in GROUNDS]) / 255
        self.register_buffer("ground", profile.permute(0, 2, 1).contiguous())
        self.condition = nn.Sequential(nn.Linear(16 + len(GROUNDS), condition), nn.ReLU())
        self.inp = nn.Conv2d(3 + 3 + 1, a, 3, padding=1)
        self.down1 = nn.Conv2d(a, b, 4, stride=2, padding=1)
        self.block1 = ResBlock(b, condition)
        self.down2 = nn.Conv2d(b, c, 4, stride=2, padding=1)
        self.middle = nn.ModuleList(ResBlock(c, condition) for _ in range(2))
        self.up1 = Up(c, b)
        self.block2 = ResBlock(b, condition)
        self.up2 = Up(b, a)
        self.block3 = ResBlock(a, condition)
        self.out = nn.Conv2d(a, 3, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def backdrop(self, grounds, h, w):
        """The grounds [B,3,h,w] in 0..1; gray where none is named."""
        rows = (grounds @ self.ground.flatten(1)).reshape(-1, 3, GROUND_ROWS, 1)
        rows = rows + .5 * (1 - grounds.sum(1))[:, None, None, None]
        rows = F.interpolate(rows, size=(h, 1), mode="bilinear", align_corners=False)
        return rows.expand(-1, -1, h, w)

    def draw(self, codes, own, colours):
        """Codes [B,S,20,24,24] -> premultiplied colours and alpha [B,S,4,72,72]."""
        b, s = codes.shape[:2]
        fine = torch.einsum("bsc...,cl->bsl...", codes, self.basis).flatten(0, 1)
        fine = F.pixel_shuffle(fine, BLOCK).reshape(b, s, LAYERS, FINE, FINE)
        pixels, alpha, tone = fine.split((3, 1, 1), 2)
        change = (colours @ self.palette - own) * (1 - colours[:, :, :1])
        return torch.cat([pixels + change[..., None, None] * tone, alpha], 2)

    def compose(self, codes, own, colours, objects, grounds, h, w, coarse=None):
        """The drawings laid over the ground: (colours [B,3,h,w] in 0..1, alpha [B,1,h,w]); coarse [B,1]: from half as
        many cells."""
        level = self.draw(codes, own, colours)
        r = objects[..., 2:3]
        # Each object comes from the level that has about as many cells as it covers: laying skips none of them.
        top = lambda side: (r < side / 3).to(level.dtype) if side > FINE // 4 else torch.zeros_like(r)
        less, laid = torch.zeros_like(r) + (0 if coarse is None else coarse[:, None]), 0
        below = torch.ones_like(r)
        for side in (FINE, FINE // 2, FINE // 4):
            skip = torch.maximum(top(side), less if side == FINE else torch.zeros_like(r))
            here = below * (1 - skip)
            laid = laid + place(level, torch.cat([objects[..., :2], r * here, objects[..., 3:]], -1), h, w)
            below = below * skip
            level = F.avg_pool2d(level.flatten(0, 1), 2).reshape(*level.shape[:3], side // 2, side // 2)
        alpha = laid[:, 3:].clamp(0, 1)
        return (self.backdrop(grounds, h, w) * (1 - alpha) + laid[:, :3]).clamp(0, 1), alpha

    def forward(self, z, codes, own, colours, objects, grounds, t, coarse=None):
        h, w = z.shape[2:]
        laid, alpha = self.compose(codes, own, colours, objects, grounds, h, w, coarse)
        laid = laid * 2 - 1
        condition = self.condition(torch.cat([fourier(t * 3.1416, 8, 20.), grounds], -1))
        if not self.corrects:
            return laid
        x0 = self.inp(torch.cat([z, laid, alpha], 1))
        x1 = self.block1(self.down1(F.relu(x0)), condition)
        x = self.down2(F.relu(x1))
        for block in self.middle:
            x = block(x, condition)
        x = self.block2(x1 + self.up1(F.relu(x)), condition)
        x = self.block3(x0 + self.up2(F.relu(x)), condition)
        # A change of less than a level or two is none: flat grounds are exact.
        return laid + F.softshrink(self.out(F.relu(x)), .015)
