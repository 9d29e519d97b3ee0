"""Stage 1: the autoencoder. Latents are blurred with noise while it learns, so that the decoder draws clean edges
from latents that are only roughly right, which is what a sampler delivers."""
import random
import time

import torch
import torch.nn.functional as F

import checkpoints
import world
from nets import Decoder, Encoder


def batch(rng, size):
    bucket = world.BUCKETS[0] if rng.random() < .6 else rng.choice(world.BUCKETS[1:])
    pictures = [torch.tensor(world.render(world.sample_scene(rng, holdout=False, bucket=bucket,
                                                               mix=(.4, .3, .3)))) for _ in range(size)]
    return torch.stack(pictures).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def importance(x):
    """Weight of each pixel [B,1,H,W], mean 1: objects and their rims count as much as the rest, however small."""
    background = x[:, :, :1, :1]
    mask = ((x - background).abs().amax(1, keepdim=True) > .06).float()
    mask = F.max_pool2d(mask, 13, stride=1, padding=6)
    area = mask.mean((1, 2, 3), keepdim=True)
    weight = 1 + mask * (1 / (area + .02)).clamp(max=16)
    return weight / weight.mean((1, 2, 3), keepdim=True)


def reconstruction_loss(y, x):
    weight = importance(x)
    error = y - x
    down = (error[..., 1:, :] - error[..., :-1, :]).abs() * weight[..., 1:, :]
    across = (error[..., 1:] - error[..., :-1]).abs() * weight[..., 1:]
    return (weight * (error.abs() + error ** 2)).mean() + .5 * (down.mean() + across.mean())


def train(folder, steps=4600, size=16, rate=1e-3):
    """Trains encoder and decoder together."""
    encoder, decoder = _networks()
    _run(folder, "autoencoder", encoder, decoder, [*encoder.parameters(), *decoder.parameters()], steps, size, rate, .5)


def refine(folder, steps=1200, size=16, rate=5e-4):
    """Trains the decoder alone on, for latents that stay as they are; it costs the denoiser nothing."""
    encoder, decoder = _networks()
    if checkpoints.load(folder, "decoder", decoder=decoder) == 0:
        checkpoints.load(folder, "autoencoder", decoder=decoder)
    checkpoints.load(folder, "autoencoder", encoder=encoder)
    encoder.eval().requires_grad_(False)
    _run(folder, "decoder", encoder, decoder, [*decoder.parameters()], steps, size, rate, .4)


def _networks():
    return (Encoder().to(memory_format=torch.channels_last), Decoder().to(memory_format=torch.channels_last))


def _run(folder, name, encoder, decoder, parameters, steps, size, rate, top_noise):
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(.9, .97), weight_decay=.01)
    parts = {"encoder": encoder, "decoder": decoder, "optimiser": optimiser}
    start = checkpoints.load(folder, name, **parts)
    rng = random.Random(f"{name} {start}")
    torch.manual_seed(start)
    clock, began, total = time.time(), time.time(), 0.
    for step in range(start, steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.cosine(step, steps, rate, 100)
        x = batch(rng, size).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            z = encoder(x)
            noise = torch.rand(len(z), 1, 1, 1) * top_noise
            y = decoder(z + noise * torch.randn_like(z))
        loss = reconstruction_loss(y.float(), x)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimiser.step()
        total += loss.item()
        if (step + 1) % 50 == 0:
            print(f"{name} {step + 1}/{steps} loss {total / 50:.4f} {(time.time() - began) / 50:.2f}s", flush=True)
            total, began = 0., time.time()
        if time.time() - clock > 120 or step + 1 == steps:
            checkpoints.save(folder, name, step + 1, **parts)
            clock = time.time()
