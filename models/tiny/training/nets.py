"""The three networks of the tiny model: autoencoder, text encoder, denoising transformer.

Residual blocks carry no normalisation and start as the identity (zero-initialised second convolution): on CPUs in
bfloat16 a GroupNorm costs more than the convolution beside it.
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

from world import COLOUR_NAMES, MAX_OBJECTS, PLACES, RELATIONS, SHAPES, SIZES

LATENT_CHANNELS = 16
LATENT_SCALE = 32  # pixels of the picture per latent cell
TEXT_WIDTH = 128
TEXT_LENGTH = 32
REGISTERS = 1 + MAX_OBJECTS  # [GLOBAL] [OBJECT1] ... before the words


class ResBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.a = nn.Conv2d(width, width, 3, padding=1)
        self.b = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.b.weight)
        nn.init.zeros_(self.b.bias)

    def forward(self, x):
        return x + self.b(F.relu(self.a(F.relu(x))))


class Encoder(nn.Module):
    """Picture [B,3,H,W] in -1..1 -> latents [B,16,H/32,W/32] of unit variance per channel."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.PixelUnshuffle(4), nn.Conv2d(48, 64, 3, stride=2, padding=1), ResBlock(64),
            nn.Conv2d(64, 128, 3, stride=2, padding=1), ResBlock(128),
            nn.Conv2d(128, 192, 3, stride=2, padding=1), ResBlock(192), ResBlock(192),
            nn.Conv2d(192, LATENT_CHANNELS, 1))
        self.norm = nn.BatchNorm2d(LATENT_CHANNELS, affine=False, momentum=.02)

    def forward(self, x):
        return self.norm(self.net(x).float())


class Up(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b * 4, 1)

    def forward(self, x):
        return F.pixel_shuffle(self.conv(x), 2)


class Decoder(nn.Module):
    """Latents [B,16,h,w] -> picture [B,3,32h,32w], about -1..1."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, 128, 3, padding=1), ResBlock(128), ResBlock(128), ResBlock(128),
            Up(128, 96), ResBlock(96), ResBlock(96), Up(96, 64), ResBlock(64), ResBlock(64),
            Up(64, 32), ResBlock(32), ResBlock(32), nn.Conv2d(32, 48, 3, padding=1))

    def forward(self, z):
        return F.pixel_shuffle(self.net(z), 4)


def unit(x):
    """Rows of length one; all-zero rows (padding) stay zero."""
    return x * ((x * x).sum(-1, keepdim=True) + 1e-6).rsqrt()


class Attention(nn.Module):
    """Multi-head attention of image tokens over themselves and, after them, over text tokens."""

    def __init__(self, width, heads, text_width=None):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.text = nn.Linear(text_width, 2 * width, bias=False) if text_width else None
        self.out = nn.Linear(width, width)

    def forward(self, x, text=None, mask=None):
        b, n, d = x.shape
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if text is not None:
            tk, tv = self.text(text).chunk(2, dim=-1)
            k, v = torch.cat([k, tk], 1), torch.cat([v, tv], 1)
        q, k, v = (t.reshape(b, -1, self.heads, d // self.heads).transpose(1, 2) for t in (q, k, v))
        w = unit(q) @ unit(k).transpose(-1, -2) * 10.89
        if mask is not None:
            w = w + mask
        return self.out((w.softmax(-1) @ v).transpose(1, 2).reshape(b, n, d))


class TextEncoder(nn.Module):
    """Token ids [B,32] -> (states [B,32,128], pooled [B,128]). Padding states are zero.

    The first five tokens are registers; pre-training makes them say what the caption asks of each object.
    """

    def __init__(self, vocabulary_size, width=TEXT_WIDTH, layers=3, heads=4):
        super().__init__()
        self.embed = nn.Embedding(vocabulary_size, width)
        self.position = nn.Parameter(torch.randn(TEXT_LENGTH, width) * .02)
        nn.init.normal_(self.embed.weight, std=.1)
        self.norm1 = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.norm2 = nn.ModuleList(nn.LayerNorm(width) for _ in range(layers))
        self.attention = nn.ModuleList(Attention(width, heads) for _ in range(layers))
        self.mlp = nn.ModuleList(nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
                                 for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, ids):
        keep = (ids != 0).float()
        mask = ((1 - keep) * -30.0)[:, None, None, :]
        x = self.embed(ids) + self.position
        for n1, a, n2, m in zip(self.norm1, self.attention, self.norm2, self.mlp):
            x = x + a(n1(x), mask=mask)
            x = x + m(n2(x))
        x = self.norm(x) * keep[..., None]
        return x, x[:, 0]


class TextHeads(nn.Module):
    """Reads the registers back into what was asked for; used for pre-training only."""

    def __init__(self, width=TEXT_WIDTH):
        super().__init__()
        # Class 0 of every head means "left open".
        self.heads = nn.ModuleDict({
            "present": nn.Linear(width, 2), "shape": nn.Linear(width, 1 + len(SHAPES)),
            "colour": nn.Linear(width, 1 + len(COLOUR_NAMES)), "size": nn.Linear(width, 1 + len(SIZES)),
            "place": nn.Linear(width, 1 + len(PLACES)), "relation": nn.Linear(width, 1 + len(RELATIONS))})
        self.background = nn.Linear(width, 1 + len(COLOUR_NAMES))
        self.pooled = nn.Linear(width, MAX_OBJECTS * (1 + len(SHAPES)) + MAX_OBJECTS)


def fourier(x, n, top):
    """Sines and cosines of x [...] at n frequencies from 1 to top: [..., 2n]."""
    f = torch.exp(torch.arange(n, device=x.device) * (math.log(top) / (n - 1)))
    a = x[..., None] * f
    return torch.cat([a.sin(), a.cos()], -1)


class Denoiser(nn.Module):
    """Flow-matching transformer: (latents [B,16,h,w], text states, pooled, timestep 0..1000) -> x0 [B,16,h,w].

    One token per latent cell; text enters as extra keys and values; time and pooled text as one shared modulation
    (adaLN-single, PixArt-alpha).
    """

    def __init__(self, width=192, layers=8, heads=6):
        super().__init__()
        self.width = width
        self.inp = nn.Conv2d(LATENT_CHANNELS, width, 3, padding=1)
        self.place = nn.Linear(4 * 12, width)
        self.time = nn.Sequential(nn.Linear(64 + TEXT_WIDTH, 256), nn.ReLU(), nn.Linear(256, width * 6))
        self.bias = nn.Parameter(torch.zeros(layers, 6 * width))
        # A scale of one, because ONNX's LayerNormalization must have one.
        self.register_buffer("one", torch.ones(width), persistent=False)
        self.attention = nn.ModuleList(Attention(width, heads, TEXT_WIDTH) for _ in range(layers))
        self.mlp = nn.ModuleList(nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))
                                 for _ in range(layers))
        self.out = nn.Conv2d(width, LATENT_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.time[2].weight)
        nn.init.zeros_(self.time[2].bias)
        with torch.no_grad():
            self.bias[:, 2 * width:3 * width] = .3  # gates start open enough for gradients to flow
            self.bias[:, 5 * width:] = .3
            for m in self.mlp:
                m[2].weight.mul_(.3)
            self.out.weight.mul_(.1)

    def positions(self, h, w, like):
        ys = torch.arange(h, device=like.device).to(like.dtype) + .5
        xs = torch.arange(w, device=like.device).to(like.dtype) + .5
        # Relative to the picture (places) and in cells from its centre (sizes): both matter off the square.
        ry, rx, ay, ax = ys / h * 2 - 1, xs / w * 2 - 1, (ys - h / 2) / 4, (xs - w / 2) / 4
        fy = torch.cat([fourier(ry, 6, 24.), fourier(ay, 6, 24.)], -1)[:, None, :].expand(h, w, 24)
        fx = torch.cat([fourier(rx, 6, 24.), fourier(ax, 6, 24.)], -1)[None, :, :].expand(h, w, 24)
        return torch.cat([fy, fx], -1)

    def forward(self, z, text, pooled, timestep):
        b, _, h, w = z.shape
        x = self.inp(z) + self.place(self.positions(h, w, z)).permute(2, 0, 1)
        x = x.flatten(2).transpose(1, 2)
        t = timestep.to(z.dtype).reshape(-1, 1) / 1000
        features = torch.cat([fourier(t[:, 0] * 3.1416, 32, 60.).expand(b, 64), pooled], -1)
        shared = self.time(features)
        for bias, a, m in zip(self.bias, self.attention, self.mlp):
            s1, h1, g1, s2, h2, g2 = (shared + bias)[:, None, :].chunk(6, -1)
            x = x + g1 * a(F.layer_norm(x, (self.width,), self.one.to(x.dtype)) * (1 + s1) + h1, text)
            x = x + g2 * m(F.layer_norm(x, (self.width,), self.one.to(x.dtype)) * (1 + s2) + h2)
        x = F.layer_norm(x, (self.width,), self.one.to(x.dtype))
        return self.out(x.transpose(1, 2).reshape(b, self.width, h, w))
