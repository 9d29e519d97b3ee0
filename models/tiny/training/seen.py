"""Where a picture that is being edited shows its thing: maximum likelihood over places and sizes.

The latent of an edit is the given picture under noise, and the layout that its noise says has nothing to do with what is
seen. So a thing that is alone is tried at PLACES x SIZES on latents at a quarter of their size: its alpha splits the
picture in two, and what that split explains (the variance between the means of the two parts) is compared with the
noise. The picture decides where it has more than noise besides what the noise's own layout would show, and where the best
place explains far more than the noise's own. A latent that began as pure noise shows the thing where its noise says, and
nothing changes.
"""
import torch
import torch.nn.functional as F

from nets import place

POOL = 4
ACROSS = 11  # places tried along each side
SIZES = (.17, .23, .29, .35, .41, .46)  # half sides tried, as shares of the shorter side
SURE = 22.  # how many times the noise's variance a split must explain
NEWS = 34.  # the same, of what the picture has besides the noise's own layout


def _explained(masks, z):
    """Masks [B,K,h,w], z [B,3,h,w] -> the variance between a mask's inside and outside [B,K], summed over channels."""
    n = z.shape[2] * z.shape[3]
    inside = masks.flatten(2).sum(-1)
    total = z.flatten(2).sum(-1)
    part = torch.einsum("bkn,bcn->bkc", masks.flatten(2), z.flatten(2))
    outside = (n - inside).clamp(min=1.)
    gap = part / inside.clamp(min=1.)[..., None] - (total[:, None] - part) / outside[..., None]
    return inside * outside / n * (gap ** 2).sum(-1)


def seen(z, t, laid, alpha, objects, alone):
    """The objects [B,5,6], the first of them moved to where z [B,3,h,w] shows it, if it is alone [B,1] and that is sure;
    and whether it is [B,1].

    laid [B,3,h,w]: what the objects look like as they are; alpha [B,1,18,18]: the first object's; t [B].
    """
    b = z.shape[0]
    besides = F.avg_pool2d(z - (1 - t[:, None, None, None]) * laid, POOL)
    small = F.avg_pool2d(z, POOL)
    h, w = small.shape[2], small.shape[3]
    hh, ww = torch.as_tensor(h).to(z.dtype), torch.as_tensor(w).to(z.dtype)
    short = torch.minimum(hh, ww)
    steps = (torch.arange(ACROSS, device=z.device).to(z.dtype) + .5) / ACROSS * .7 + .15
    sizes = torch.tensor(SIZES, device=z.device) * short
    y, x, r = (v.reshape(-1) for v in torch.meshgrid(steps, steps, sizes, indexing="ij"))
    first = objects[:, :1]
    tried = torch.stack([x, y, r], -1)[None].expand(b, -1, -1)
    turned = first[..., 3:].expand(-1, tried.shape[1], -1)
    own = torch.cat([first[..., :2], first[..., 2:3] / POOL, first[..., 3:]], -1)
    tried = torch.cat([own, torch.cat([tried, turned], -1)], 1)
    k = tried.shape[1]
    masks = place(alpha.expand(-1, k, -1, -1).reshape(b * k, 1, 1, *alpha.shape[2:]), tried.reshape(b * k, 1, 6), h, w)
    masks = masks.reshape(b, k, h, w)
    # Guidance moves a latent away from what is laid by about a seventh; that is no news.
    noise = t[:, None] ** 2 / POOL ** 2 + .02 * (1 - t[:, None]) ** 2 + 1e-4
    score, news = _explained(masks, small) / noise, _explained(masks, besides) / noise
    # The mean of the best places, weighed by their likelihood: finer than the grid.
    best = score[:, 1:].amax(1, keepdim=True)
    weight = torch.softmax((score[:, 1:] - best) / torch.maximum(best * .02, torch.ones_like(best)), 1)
    mean = (weight[..., None] * tried[:, 1:, :3]).sum(1)
    # Pure noise shows nothing.
    clear = (best > SURE) & (news.amax(1, keepdim=True) > NEWS) & (score[:, :1] < .75 * best) & (t[:, None] < .97)
    sure = alone * clear.to(z.dtype)
    moved = torch.cat([mean[:, :2], mean[:, 2:] * POOL], -1)
    there = first[:, 0, :3] * (1 - sure) + moved * sure
    return torch.cat([torch.cat([there, first[:, 0, 3:]], -1)[:, None], objects[:, 1:]], 1), sure


def tinted(x0, z, t, alpha, objects, sure):
    """x0 [B,3,h,w], its first object as much of the colour that z shows there as (1 - t) squared says, if `sure`: so the
    less an edit began from noise, the closer it keeps to its picture."""
    h, w = x0.shape[2:]
    mask = place(alpha[:, None], objects[:, :1], h, w)
    mean = lambda v: (mask * v).sum((2, 3), keepdim=True) / mask.sum((2, 3), keepdim=True).clamp(min=1.)
    left = 1 - t[:, None, None, None]
    return x0 + sure[..., None, None] * mask * left ** 2 * (mean(z) / left.clamp(min=.02) - mean(x0))
