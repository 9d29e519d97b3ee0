"""Building blocks. No block carries a normalisation: on CPUs a GroupNorm costs as much as the convolution beside it, and
a flat ground stays flat without one. Blocks start as the identity (zero-initialised second convolution)."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class ResBlock(nn.Module):
    """Two 3x3 convolutions; `condition` numbers, where given, scale and shift what lies between them (FiLM)."""

    def __init__(self, width, condition=0):
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)
        self.film = nn.Linear(condition, 2 * width) if condition else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
            nn.init.zeros_(self.film.bias)

    def forward(self, x, condition=None):
        h = self.a(F.relu(x))
        if self.film is not None:
            scale, shift = self.film(condition)[..., None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        return x + self.b(F.relu(h))


class Up(nn.Module):
    """Twice the size: a 1x1 convolution and a pixel shuffle."""

    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b * 4, 1)

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), 2)


def fourier(x, n, top):
    """Sines and cosines of x [...] at n frequencies from 1 to top: [..., 2n]."""
    f = torch.exp(torch.arange(n, device=x.device) * (math.log(top) / (n - 1)))
    a = x[..., None] * f
    return torch.cat([a.sin(), a.cos()], -1)
