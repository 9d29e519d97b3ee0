"""The exported networks: what the text encoder hands over, and the denoiser that takes it."""
import torch
import torch.nn as nn
import torch.nn.functional as F

from codes import CODE, PLANE
from layout import SLOTS, code_of, stand, table, without_code
from lexicon import ARRANGEMENTS, PLACES, SIZES
from nets import Encoder
from palette import COLOUR_NAMES, GROUNDS
from seen import seen, tinted
from things import VARIANTS

# What the pooled output holds, in this order: name, size for each slot, slots.
FIELDS = [("present", 1, SLOTS), ("colours", 1 + len(COLOUR_NAMES), SLOTS), ("sizes", 1 + len(SIZES), SLOTS),
          ("own", 3 * VARIANTS, SLOTS), ("paint", 1, SLOTS), ("mirror", 1, SLOTS), ("place", 1 + len(PLACES), 1),
          ("arrangement", len(ARRANGEMENTS), 1), ("ground", len(GROUNDS), 1), ("blank", 1, 1)]
LAST = .005
POOLED = sum(size * slots for _, size, slots in FIELDS)


class TextEncoder(nn.Module):
    """Token ids [B,32] -> (codes of the drawings that may be meant [B, 5 * 4 * 576, 20], the rest of the request [B,245]).

    numbers [things,2,4]: rows of `codes` (int8 [N,576,20]) and of `own` (colours, [N,3]) for each style; paint, mirror:
    [things].
    """

    def __init__(self, reader, numbers, codes, scale, own, paint, mirror, unknown):
        super().__init__()
        self.reader, self.unknown = reader, unknown
        for name, value in (("numbers", numbers), ("codes", codes), ("scale", scale / 127), ("own", own), ("paint", paint), ("mirror", mirror)):
            self.register_buffer(name, value)

    def forward(self, ids):
        read = self.reader(ids)
        things, colours, sizes = read["things"], read["colours"], read["sizes"]
        arrangement, blank = read["arrangement"], read["blank"].float()[:, None]
        # Words, but none that it knows: a question mark.
        lost = arrangement[:, :1] * (1 - blank)
        things = torch.cat([torch.where(lost > .5, torch.full_like(things[:, :1], self.unknown), things[:, :1]), things[:, 1:]], 1)
        arrangement = torch.cat([arrangement[:, :1] - lost, arrangement[:, 1:2] + lost, arrangement[:, 2:]], 1)
        kind = arrangement[:, 7:]
        of_kind = kind.sum(1)[:, None] > .5
        spread = lambda v: torch.cat([v, v[:, -1:], v[:, -1:]], 1)
        same = lambda v: v[:, :1].expand(-1, SLOTS, *v.shape[2:])
        things = torch.where(of_kind, same(things), spread(things))
        colours = torch.where(of_kind[..., None], same(colours), spread(colours))
        sizes = torch.where(of_kind[..., None], same(sizes), spread(sizes))
        slots = torch.arange(1, SLOTS + 1, device=ids.device)
        many = (kind * torch.arange(2., 6., device=ids.device)).sum(1, keepdim=True)
        count = many + torch.where(of_kind, torch.zeros_like(many), (things[:, :3] >= 0).float().sum(1, keepdim=True))
        present = (slots <= count).float()
        safe = things.clamp(min=0)
        rows = self.numbers[safe, read["flat"][:, None]]
        codes = (self.codes[rows].float() * self.scale).flatten(1, 3)
        pooled = {"present": present, "colours": colours, "sizes": sizes, "own": self.own[rows].flatten(2),
                  "paint": self.paint[safe], "mirror": self.mirror[safe], "place": read["place"], "arrangement": arrangement,
                  "ground": read["ground"], "blank": blank}
        return codes, torch.cat([pooled[name].flatten(1) for name, _, _ in FIELDS], 1)


class Velocity(nn.Module):
    """The denoiser as a flow-matching scheduler takes it: v = (z - x0) / t, with t = timestep / 1000.

    A row whose text is empty stands for "no better than that": it draws what the next row asks for from drawings of half
    the detail, so that guidance sharpens (guidance by a worse version of the model itself: Karras et al., arXiv
    2406.02507). A negative prompt is what it says.
    """

    def __init__(self, denoiser):
        super().__init__()
        self.denoiser = denoiser
        self.register_buffer("table", table())

    def forward(self, hidden_states, encoder_hidden_states, pooled_projections, timestep):
        z = hidden_states
        h, w = z.shape[2:]
        blank = pooled_projections[:, -1:]
        # The row after it: engines put what to avoid before what to draw.
        after = lambda rows: torch.cat([rows[1:], rows[-1:]])
        pooled = torch.where(blank > .5, after(pooled_projections), pooled_projections)
        states = torch.where(blank[..., None] > .5, after(encoder_hidden_states), encoder_hidden_states)
        request, start = {"table": self.table}, 0
        for name, size, slots in FIELDS:
            part = pooled[:, start:start + size * slots]
            request[name] = part.reshape(-1, SLOTS, size) if slots > 1 and size > 1 else part
            start += size * slots
        t = (timestep.to(z.dtype) / 1000).clamp(min=1e-3)
        tt = t.reshape(-1, 1, 1, 1)
        objects, colours, which = stand(request, code_of(z) / t.reshape(-1, 1), h, w)
        picked = torch.floor(which * VARIANTS).clamp(0, VARIANTS - 1)
        share = (picked[..., None] == torch.arange(VARIANTS, device=z.device).to(z.dtype)).to(z.dtype)
        codes = states.reshape(-1, SLOTS, VARIANTS, PLANE * PLANE * CODE)
        codes = (codes * share[..., None]).sum(2).reshape(-1, SLOTS, PLANE, PLANE, CODE).permute(0, 1, 4, 2, 3)
        own = (request["own"].reshape(-1, SLOTS, VARIANTS, 3) * share[..., None]).sum(2)
        draw = self.denoiser
        alpha = F.avg_pool2d(draw.draw(codes[:, :1], own[:, :1], colours[:, :1])[:, 0, 3:], 4)
        laid = draw.compose(codes, own, colours, objects, request["ground"], h, w)[0] * 2 - 1
        each = t.expand(z.shape[0])
        alone = request["arrangement"][:, :2].sum(1, keepdim=True)
        objects, sure = seen(z, each, laid, alpha, objects, alone)
        x0 = draw(z, codes, own, colours, objects, request["ground"], t, blank)
        x0 = tinted(x0, z, each, alpha, objects, sure)
        # The last step, always at the smallest noise level, is not read any more: it may show the whole picture.
        return (z - torch.where(tt < LAST, x0, without_code(x0))) / tt


class PictureEncoder(Encoder):
    """The encoder, without what the layout is read from."""

    def forward(self, sample):
        return without_code(super().forward(sample))
