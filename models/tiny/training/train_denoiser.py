"""Stages 3 and 4: encode a fixed set of scenes, then train the flow-matching transformer on their latents."""
import os
import pickle
import random
import time

import torch
import torch.nn.functional as F

import checkpoints
import world
from muon import Muon
from nets import Denoiser, Encoder, TextEncoder
from train_text import VOCABULARY, tokenize


def build_latents(folder, count, shard=2500):
    """Draws and encodes `count` scenes, in shards of one bucket each; resumes at the first missing shard."""
    encoder = Encoder().to(memory_format=torch.channels_last)
    checkpoints.load(folder, "autoencoder", encoder=encoder)
    encoder.eval()
    for index in range(count // shard):
        path = os.path.join(folder, f"latents-{index}.pkl")
        if os.path.exists(path):
            continue
        rng = random.Random(7_000 + index)
        # Two shards in three are square; the rest take turns on the other buckets.
        bucket = world.BUCKETS[0] if index % 3 else world.BUCKETS[1 + index // 3 % 8]
        scenes, latents = [], []
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for _ in range(shard // 50):
                some = [world.sample_scene(rng, bucket=bucket) for _ in range(50)]
                x = torch.stack([torch.tensor(world.render(s, 2)) for s in some]).permute(0, 3, 1, 2)
                x = x.float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
                latents.append(encoder(x).float().half())
                scenes += some
        with open(path + ".tmp", "wb") as f:
            pickle.dump((scenes, torch.cat(latents)), f)
        os.replace(path + ".tmp", path)
        print(f"latents {index + 1}/{count // shard} {bucket}", flush=True)


def load_latents(folder, count, shard=2500):
    """{(h, w): {kind: (scenes, latents)}}"""
    groups = {}
    for index in range(count // shard):
        with open(os.path.join(folder, f"latents-{index}.pkl"), "rb") as f:
            scenes, z = pickle.load(f)
        kinds = groups.setdefault(tuple(z.shape[2:]), {})
        for kind in ("single", "two", "count"):
            rows = [i for i, s in enumerate(scenes) if s["kind"] == kind and world.is_canonical(s)]
            old_scenes, old_z = kinds.get(kind, ([], []))
            kinds[kind] = (old_scenes + [scenes[i] for i in rows], old_z + [z[rows]])
    return {k: {n: (s, torch.cat(z)) for n, (s, z) in g.items()} for k, g in groups.items()}


def curriculum(fraction):
    """Shares of single, two and count at a fraction of the run: what moves most pixels is learned first."""
    if fraction < .12:
        return {"single": .8, "two": .12, "count": .08}
    if fraction < .3:
        return {"single": .5, "two": .3, "count": .2}
    return {"single": .5, "two": .31, "count": .19}




def train(folder, count, steps, size=64, rate=1.5e-3, ema_decay=.998, since=0):
    """Trains to `steps`; the learning rate falls to nothing between `since` and there."""
    groups = load_latents(folder, count)
    text = TextEncoder(len(VOCABULARY))
    checkpoints.load(folder, "text", encoder=text)
    text.eval().requires_grad_(False)
    net, ema = Denoiser(), Denoiser()
    ema.load_state_dict(net.state_dict())
    hidden = [p for block in (net.attention, net.mlp) for p in block.parameters() if p.ndim == 2]
    others = [p for p in net.parameters() if not any(p is q for q in hidden)]
    muon = Muon(hidden, lr=rate)
    adam = torch.optim.AdamW(others, lr=rate, betas=(.9, .95), weight_decay=0.)
    start = checkpoints.load(folder, "denoiser", net=net, ema=ema, muon=muon, adam=adam)
    rng = random.Random(start + 3)
    torch.manual_seed(start + 3)
    empty = tokenize("")
    shapes = list(groups)
    weights = [sum(len(s) for s, _ in groups[k].values()) for k in shapes]
    clock = began = time.time()
    total = 0.
    for step in range(start, steps):
        for group in (*muon.param_groups, *adam.param_groups):
            group["lr"] = checkpoints.cosine(step - since, steps - since, rate, min(200, (steps - since) // 20))
        group = groups[rng.choices(shapes, weights)[0]]
        picked, rows, ids = curriculum(step / steps), [], []
        for kind, share in picked.items():
            scenes, latents = group[kind]
            for _ in range(round(size * share)):
                i = rng.randrange(len(scenes))
                rows.append(latents[i])
                ids.append(empty if rng.random() < .1 else tokenize(world.caption(rng, scenes[i])[0]))
        x = torch.stack(rows).float()
        t = torch.sigmoid(torch.randn(len(x)) * 1.1 + .6)
        tt = t[:, None, None, None]
        z = (1 - tt) * x + tt * torch.randn_like(x)
        states, pooled = text(torch.tensor(ids))
        with torch.autocast("cpu", torch.bfloat16):
            out = net(z, states, pooled, t * 1000)
        loss = ((out.float() - x) ** 2 / tt.clamp(min=.25) ** 2).mean()
        net.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.)
        muon.step()
        adam.step()
        decay = min(ema_decay, (step + 1) / (step + 20))
        with torch.no_grad():
            torch._foreach_mul_(list(ema.parameters()), decay)
            torch._foreach_add_(list(ema.parameters()), [p.detach() for p in net.parameters()], alpha=1 - decay)
        total += loss.item()
        if (step + 1) % 100 == 0:
            print(f"denoiser {step + 1}/{steps} loss {total / 100:.4f} {(time.time() - began) / 100:.3f}s", flush=True)
            total, began = 0., time.time()
        if time.time() - clock > 120 or step + 1 == steps:
            checkpoints.save(folder, "denoiser", step + 1, net=net, ema=ema, muon=muon, adam=adam)
            clock = time.time()
