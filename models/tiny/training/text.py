"""The text encoder: token ids -> what the caption asks for.

A small convolutional network tags each token from the kinds of its neighbours (object, its colour, its size, colour or
name of the ground) and reads place, relation, number and style from all of them; the rest is looked up: which thing an
object's word names, which colour stands before it.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from lexicon import ARRANGEMENTS, PLACES, SIZES
from palette import COLOUR_NAMES, GROUNDS, LANDSCAPES, WHITE

TAGS = ["none", "object", "colour", "ground colour", "size", "ground"]
RELATIONS = ["left", "right", "above", "below"]
HEADS = {"place": 1 + len(PLACES), "relation": len(RELATIONS), "number": 5, "flat": 2}
OBJECTS = 3  # things that a caption can name


class Tagger(nn.Module):
    """Kinds of tokens [B,L] -> logits of tags [B,L,6], and {head: logits [B,n]} of the whole caption."""

    def __init__(self, kinds, width=48):
        super().__init__()
        self.embed = nn.Embedding(kinds, 24)
        nn.init.normal_(self.embed.weight, std=.5)
        self.a = nn.Conv1d(24, width, 9, padding=4)
        self.b = nn.Conv1d(width, width, 9, padding=4)
        self.tag = nn.Conv1d(2 * width, len(TAGS), 1)
        self.heads = nn.ModuleDict({name: nn.Linear(4 * width, size) for name, size in HEADS.items()})

    def forward(self, kinds):
        there = (kinds > 0).float()[:, None]
        x = self.embed(kinds).transpose(1, 2) * there
        x1 = F.relu(self.a(x)) * there
        x2 = F.relu(self.b(x1)) * there
        x = torch.cat([x1, x2], 1)
        whole = torch.cat([x.amax(-1), x.sum(-1) / 8], -1)
        return self.tag(x).transpose(1, 2), {name: head(whole) for name, head in self.heads.items()}


class Reader(nn.Module):
    """Token ids [B,L] -> a request: things [B,3] (-1: none), colours [B,3,12], sizes [B,3,4], place [B,10],
    arrangement [B,11], ground [B,19], flat [B], blank [B] (1: the caption is empty)."""

    def __init__(self, lexicon, tagger):
        super().__init__()
        self.tagger = tagger
        names = [lexicon.kind_names[k] for k in lexicon.kinds]
        number = lambda group, table, first: torch.tensor([first + table.index(n.split(" ", 1)[1]) if n.startswith(group + " ")
                                                           else 0 for n in names])
        self.register_buffer("kinds", torch.tensor(lexicon.kinds))
        self.register_buffer("thing", torch.tensor(lexicon.things))
        self.register_buffer("colour", F.one_hot(number("colour", COLOUR_NAMES, 1), 1 + len(COLOUR_NAMES)).float())
        self.register_buffer("size", F.one_hot(number("size", SIZES, 1), 1 + len(SIZES)).float())
        landscape = number("ground", list(LANDSCAPES), 1)
        self.register_buffer("landscape", F.one_hot(landscape, 1 + len(LANDSCAPES)).float())

    def forward(self, ids):
        tags, heads = self.tagger(self.kinds[ids])
        words = (ids > 5).long()  # neither padding nor a register
        tag = tags.argmax(-1) * words
        names_thing = (self.thing[ids] >= 0).long()
        is_object = (tag == 1).long() * names_thing
        count = is_object.cumsum(1)
        things, colours, sizes = [], [], []
        first = lambda rows: torch.cat([1 - rows[:, 1:].amax(1, keepdim=True), rows[:, 1:]], 1)
        for slot in range(OBJECTS):
            mine = is_object * (count == slot + 1).long()
            things.append((mine * (self.thing[ids] + 1)).sum(1) - 1)
            before = (count == slot).long()
            colour = self.colour[ids] * ((tag == 2).long() * before)[..., None]
            size = self.size[ids] * ((tag == 4).long() * before)[..., None]
            colours.append(first(colour.amax(1)))
            sizes.append(first(size.amax(1)))
        things, colours, sizes = torch.stack(things, 1), torch.stack(colours, 1), torch.stack(sizes, 1)
        found = is_object.sum(1)
        one_hot = lambda logits: F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
        number, relation = one_hot(heads["number"]), one_hot(heads["relation"])
        # ARRANGEMENTS: none, single, four relations, three, two to five of a kind.
        some = lambda n: (found == n).float()[:, None]
        arrangement = torch.cat([some(0), some(1) * number[:, :1], some(2) * relation, (found > 2).float()[:, None],
                                 some(1) * number[:, 1:]], 1)
        ground_colour = (self.colour[ids] * (tag == 3).float()[..., None]).amax(1)[:, 1:]
        landscape = (self.landscape[ids] * (tag == 5).float()[..., None]).amax(1)[:, 1:]
        named = torch.cat([ground_colour, landscape], 1)
        # One ground: the last of those named, or what the things are seen on.
        order = torch.arange(1., 1 + len(GROUNDS), device=ids.device)
        named = F.one_hot((named * order).argmax(-1), len(GROUNDS)).float() * named.amax(1, keepdim=True)
        asks = lambda colour: colours[:, :, 1 + COLOUR_NAMES.index(colour)].amax(1)
        white, blue = asks("white"), asks("blue")
        plain = torch.zeros_like(named)
        plain = torch.cat([plain[:, :4], (white * (1 - blue))[:, None], plain[:, 5:8], (white * blue)[:, None],
                           (1 - white)[:, None], plain[:, 10:]], 1)
        ground = named + plain * (1 - named.amax(1, keepdim=True))
        return {"things": things, "colours": colours, "sizes": sizes, "place": one_hot(heads["place"]),
                "arrangement": arrangement, "ground": ground, "flat": heads["flat"].argmax(-1),
                "blank": 1 - words.amax(1)}


assert (COLOUR_NAMES.index("blue"), COLOUR_NAMES.index("black"), WHITE) == (4, 8, 9)
assert ARRANGEMENTS[:2] == ["none", "single"] and ARRANGEMENTS[2:6] == RELATIONS
