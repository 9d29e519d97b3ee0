"""Stage 4: flow matching on scenes drawn anew for each step."""
import math
import os
import time

import numpy as np
import torch

import checkpoints
from drawings import render
from codes import CODE, PLANE
from nets import Denoiser, Encoder, LATENT_SCALE, SLOTS
from palette import COLOUR_NAMES, GROUNDS
from scenes import pick_bucket, random_scene


def object_numbers(o, w, h):
    tilt = math.radians(o["tilt"])
    return [o["x"] / w, o["y"] / h, o["r"] / LATENT_SCALE, math.cos(tilt), math.sin(tilt), -1. if o["flip"] else 1.]


class Batch:
    """Scenes as the denoiser takes them: pictures [B,3,H,W], and for each slot its code, colour, and where it stands."""

    def __init__(self, drawings, codes, scenes):
        w, h = scenes[0]["width"], scenes[0]["height"]
        pictures = np.stack([render(drawings, s) for s in scenes])
        self.pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)
        self.codes = torch.zeros(len(scenes), SLOTS, CODE, PLANE, PLANE)
        self.own = torch.zeros(len(scenes), SLOTS, 3)
        self.objects = torch.zeros(len(scenes), SLOTS, 6)
        self.colours = torch.zeros(len(scenes), SLOTS, 1 + len(COLOUR_NAMES))
        self.grounds = torch.zeros(len(scenes), len(GROUNDS))
        for i, scene in enumerate(scenes):
            self.grounds[i, GROUNDS.index(scene["ground"])] = 1
            for j, o in enumerate(scene["objects"]):
                self.codes[i, j], self.own[i, j] = codes[o["drawing"]]
                self.objects[i, j] = torch.tensor(object_numbers(o, w, h))
                self.colours[i, j, 0 if o["colour"] is None else 1 + COLOUR_NAMES.index(o["colour"])] = 1

    def forget(self, rows):
        """Empties what these rows [B] (bool) ask for: what an empty prompt asks for."""
        self.objects[rows] = 0
        self.colours[rows] = 0
        self.grounds[rows] = 0


def importance(objects, h, w):
    """Weight of each latent cell [B,1,h,w]: what is drawn counts more than the ground around it, also when small."""
    ys, xs = (torch.arange(h) + .5)[:, None], (torch.arange(w) + .5)[None, :]
    weight = torch.full((len(objects), 1, h, w), 1.)
    for o in objects.unbind(1):
        x, y, r = (v[:, None, None, None] for v in (o[:, 0] * w, o[:, 1] * h, o[:, 2]))
        inside = ((xs - x).abs() < r * 1.15 + 1) & ((ys - y).abs() < r * 1.15 + 1) & (r > 0)
        weight = torch.where(inside, torch.maximum(weight, (26 / r.clamp(min=4)).clamp(2, 5)), weight)
    return weight


def load_codes(folder):
    """{drawing's number: (code [20,24,24], own colour [3])}, and the basis that decodes them."""
    stored = np.load(os.path.join(folder, "codes.npz"))
    codes = torch.from_numpy(stored["codes"]).float() / 127 * torch.from_numpy(stored["scale"])[:, None, None]
    return dict(zip(stored["numbers"].tolist(), zip(codes, torch.from_numpy(stored["own"])))), stored["basis"]


def train(folder, drawings, rng, steps, size=16, rate=2e-3, ema_decay=.995, since=0):
    """Trains to `steps`; the learning rate falls to nothing between `since` and there."""
    codes, basis = load_codes(folder)
    drawings.pool = [number for number in drawings.pool if number in codes]
    net, ema = (Denoiser(basis).to(memory_format=torch.channels_last) for _ in range(2))
    ema.load_state_dict(net.state_dict())
    parameters, shadows = [*net.parameters()], [*ema.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(.9, .97), weight_decay=.01)
    start = checkpoints.load(folder, "denoiser", net=net, ema=ema, optimiser=optimiser)
    torch.manual_seed(start)
    rng.seed(start)
    encoder = Encoder()
    clock, began, total = time.time(), time.time(), 0.
    for step in range(start, steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.cosine(step - since, steps - since, rate, min(200, (steps - since) // 20))
        bucket = pick_bucket(rng)
        batch = Batch(drawings, codes, [random_scene(rng, drawings, bucket) for _ in range(size)])
        x = encoder(batch.pictures)
        weight = importance(batch.objects, *x.shape[2:])
        batch.forget(torch.rand(size) < .2)
        t = torch.sigmoid(torch.randn(size) * 1.3 + 1.2)
        t[torch.rand(size) < .15] = 1.
        tt = t[:, None, None, None]
        z = ((1 - tt) * x + tt * torch.randn_like(x)).contiguous(memory_format=torch.channels_last)
        out = net(z, batch.codes, batch.own, batch.colours, batch.objects, batch.grounds, t)
        error = out - x
        loss = (weight * (error.abs() + 2 * error ** 2)).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimiser.step()
        decay = min(ema_decay, (step + 1) / (step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(shadows, [p.detach() for p in parameters], 1 - decay)
        total += loss.item()
        if (step + 1) % 50 == 0:
            print(f"denoiser {step + 1}/{steps} loss {total / 50:.4f} {(time.time() - began) / 50:.2f}s", flush=True)
            total, began = 0., time.time()
        if time.time() - clock > 120 or step + 1 == steps:
            checkpoints.save(folder, "denoiser", step + 1, net=net, ema=ema, optimiser=optimiser)
            clock = time.time()
