"""Drawings as codes: what the model keeps of each drawing in its weights.

A drawing at 72 x 72 is split into five layers: its pixels and its alpha (premultiplied), and the tone of its main colour.
A colour that a caption asks for is laid in by a sum: pixels + (colour - own colour) * tone. Blocks of 3 x 3 cells of all
layers are projected onto their principal components, fitted in closed form: 24 x 24 codes of 20 bytes a drawing. Seventeen
are components; three hold what is lost when the largest components are rounded, or smooth shades would show the blocks.
"""
import os

import numpy as np
from PIL import Image

from drawings import luminance

LAYERS = 5
FINE = 72  # cells of the decoded layers along each side
PLANE = 24  # codes along each side
BLOCK = FINE // PLANE
CODE = 20  # numbers of a code
FINER = 3  # of them, the rests of the largest
# How much an error of each layer matters.
WEIGHTS = np.repeat(np.float32([1, 1, 1, 1, .5]), BLOCK ** 2)


def layers(drawings, number):
    """(layers float32 [LAYERS, FINE, FINE], the main colour's own value [3] in 0..1)"""
    pixels, (weight, level, _) = drawings.pixels(number), drawings.mains(number)
    alpha = pixels[..., 3].astype(np.float32) / 255
    rgb = pixels[..., :3].astype(np.float32) / 255
    weight = (weight.repeat(2, 0).repeat(2, 1) / np.float32(255)) * alpha
    # As drawings.recolour lays a colour in: colour * shade + (1 - colour) * light.
    ratio = (luminance(rgb) / max(level, .05)).clip(.35, 2)
    light = weight * .55 * (ratio - 1).clip(0, 1)
    tone = weight * np.minimum(ratio, 1) ** .8 - light
    main = rgb * weight[..., None] - light[..., None]
    own = (main * tone[..., None]).sum((0, 1)) / max(float((tone ** 2).sum()), 1e-3)
    all_five = np.dstack([rgb * alpha[..., None], alpha, tone])
    small = [np.asarray(Image.fromarray(all_five[..., i]).resize((FINE, FINE), Image.BOX)) for i in range(LAYERS)]
    return np.stack(small), own.astype(np.float32)


def blocks(planes):
    """[N,5,72,72] -> [N,24,24,45]."""
    n = len(planes)
    split = planes.reshape(n, LAYERS, PLANE, BLOCK, PLANE, BLOCK)
    return split.transpose(0, 2, 4, 1, 3, 5).reshape(n, PLANE, PLANE, -1)


def fit(sample):
    """Principal components of blocks [N,24,24,45]: (projection [17,45], basis [17,45], scale [17] of the codes)."""
    flat = sample.reshape(-1, sample.shape[-1])
    # Empty blocks say nothing. No mean is taken off, so that the code of nothing is nothing.
    flat = flat[np.abs(flat).max(1) > .02] * WEIGHTS
    _, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    basis = vectors[:, ::-1][:, :CODE - FINER].T.astype(np.float32)
    scale = np.quantile(np.abs(flat @ basis.T), .9995, 0).astype(np.float32)
    return basis * WEIGHTS, basis / WEIGHTS, scale


def build(drawings, folder, numbers):
    """Fits the projection and writes codes.npz: `numbers`, int8 codes [N,20,24,24], own colours [N,3], basis, scale."""
    path = os.path.join(folder, "codes.npz")
    if os.path.exists(path):
        return
    sample = numbers[::max(1, len(numbers) // 240)]
    project, basis, scale = fit(blocks(np.stack([layers(drawings, n)[0] for n in sample])))
    codes = np.zeros((len(numbers), CODE, PLANE, PLANE), np.int8)
    own = np.zeros((len(numbers), 3), np.float32)
    for i, number in enumerate(numbers):
        planes, own[i] = layers(drawings, number)
        exact = blocks(planes[None])[0] @ project.T / scale * 127
        coarse = exact.clip(-127, 127).round()
        rest = ((exact - coarse)[..., :FINER] * 254).clip(-127, 127).round()
        codes[i] = np.concatenate([coarse, rest], -1).transpose(2, 0, 1)
    np.savez(path + ".tmp.npz", numbers=np.array(numbers), codes=codes, own=own,
             basis=np.concatenate([basis, basis[:FINER]]), scale=np.concatenate([scale, scale[:FINER] / 254]))
    os.replace(path + ".tmp.npz", path)
