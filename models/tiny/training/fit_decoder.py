"""Stage 3: the decoder, fitted in closed form.

Its filters are patches of latents, as they occur (the first layer of Coates and Ng's "Learning feature representations
with K-means", with the patches themselves as centres); what they are mixed to is the ridge regression of what bilinear
enlarging lacks. The latents are three times in four those that the denoiser makes of drawings' codes, so that the decoder
also mends what the codes lose.
"""
import random

import torch
import torch.nn.functional as F

import checkpoints
from drawings import render
from nets import DECODER_FILTERS, LATENT_SCALE, Decoder, Denoiser, Encoder
from scenes import pick_bucket, random_scene
from train_denoiser import Batch, load_codes

LINEAR = 75  # 5 x 5 cells of three channels


def _pairs(scenes, drawings, codes, denoiser, own):
    """Patches [N,75] where something is to be sharpened, and what bilinear enlarging lacks there [N,48]."""
    batch = Batch(drawings, codes, scenes)
    x = batch.pictures
    z = Encoder()(x)
    h, w = z.shape[2:]
    if own:
        z = denoiser.compose(batch.codes, batch.own, batch.colours, batch.objects, batch.grounds, h, w)[0] * 2 - 1
    base = F.interpolate(z, scale_factor=float(LATENT_SCALE), mode="bilinear", align_corners=False)
    lacks = F.pixel_unshuffle(x - base, LATENT_SCALE).permute(0, 2, 3, 1).flatten(0, 2)
    patches = F.unfold(F.pad(z, (2, 2, 2, 2), mode="replicate"), 5).transpose(1, 2).flatten(0, 1)
    busy = (lacks.abs().amax(1) > .08) | (torch.rand(len(lacks)) < .02)
    rows = busy.nonzero()[:, 0]
    rows = rows[torch.randperm(len(rows))[:400 * len(scenes)]]
    return _centred(patches[rows]), lacks[rows]


def _centred(patches):
    """Each channel's mean taken off: [N,75], channel by channel."""
    by_channel = patches.reshape(-1, 3, 25)
    return (by_channel - by_channel.mean(-1, keepdim=True)).flatten(1)


def fit(folder, drawings, scenes=320, ridge=3e-3, seed=4):
    if checkpoints.load(folder, "decoder"):
        return
    rng = random.Random(seed)
    torch.manual_seed(seed)
    codes, basis = load_codes(folder)
    drawings.pool = [number for number in drawings.pool if number in codes]
    denoiser, decoder = Denoiser(basis), Decoder()
    xs, ys = [], []
    with torch.no_grad():
        for i in range(scenes // 8):
            bucket = pick_bucket(rng, .3)
            x, y = _pairs([random_scene(rng, drawings, bucket) for _ in range(8)], drawings, codes, denoiser, i % 4 > 0)
            xs.append(x)
            ys.append(y)
        x, y = torch.cat(xs), torch.cat(ys)
        # Patches of strong edges are the filters, and their negatives.
        strong = x[x.norm(dim=1) > 1.]
        centres = strong[torch.randperm(len(strong))[:DECODER_FILTERS]]
        centres = centres / centres.norm(dim=1, keepdim=True)
        features = torch.cat([F.relu(x @ centres.T), x], 1).double()
        gram = features.T @ features / len(x)
        mix = torch.linalg.solve(gram + ridge * gram.diagonal().mean() * torch.eye(len(gram)), features.T @ y.double() / len(x)).float()
        left = (features.float() @ mix - y).pow(2).mean() / y.pow(2).mean()
        decoder.filters.weight.copy_(centres.reshape(-1, 3, 5, 5))
        decoder.mix.weight.copy_(mix[:DECODER_FILTERS].T[..., None, None])
        # The linear part sees patches without their means, too.
        linear = mix[DECODER_FILTERS:].T.reshape(-1, 3, 25)
        decoder.linear.weight.copy_((linear - linear.mean(-1, keepdim=True)).reshape(-1, 3, 5, 5))
    print(f"decoder fitted to {len(x)} cells; share of the energy left: {left.item():.3f}", flush=True)
    checkpoints.save(folder, "decoder", 1, decoder=decoder)
