"""Stage 2: the text encoder, taught to read a caption into what it asks of each object (its registers)."""
import random
import time

import torch
import torch.nn.functional as F

import checkpoints
import world
from nets import REGISTERS, TEXT_LENGTH, TextEncoder, TextHeads

VOCABULARY = world.vocabulary()
IDS = {word: i for i, word in enumerate(VOCABULARY)}
UNKNOWN = IDS["[UNK]"]
TABLES = {"shape": world.SHAPES, "colour": world.COLOUR_NAMES, "size": world.SIZES, "place": world.PLACES,
          "relation": world.RELATIONS}


def tokenize(text):
    """Ids [32]: five registers, the words, padding. The exported tokenizer does the same."""
    ids = [IDS["[GLOBAL]"]] + [IDS[f"[OBJECT{i}]"] for i in range(1, world.MAX_OBJECTS + 1)]
    ids += [IDS.get(w, UNKNOWN) for w in world.words_of(text)]
    return (ids + [0] * TEXT_LENGTH)[:TEXT_LENGTH]


def batch(rng, size):
    ids, goals = [], {k: [] for k in ("present", *TABLES)}
    backgrounds = []
    for _ in range(size):
        text, asked = world.caption(rng, world.sample_scene(rng, mix=(.4, .4, .2)))
        ids.append(tokenize(text))
        slots = asked["slots"] + [None] * (world.MAX_OBJECTS - len(asked["slots"]))
        goals["present"].append([int(s is not None) for s in slots])
        for key, table in TABLES.items():
            goals[key].append([-100 if s is None else 0 if s[key] is None else 1 + table.index(s[key]) for s in slots])
        name = asked["background"]
        backgrounds.append(0 if name is None else 1 + world.COLOUR_NAMES.index(name))
    return torch.tensor(ids), {k: torch.tensor(v) for k, v in goals.items()}, torch.tensor(backgrounds)


def train(folder, steps=2500, size=128, rate=2e-3):
    encoder, heads = TextEncoder(len(VOCABULARY)), TextHeads()
    parameters = [*encoder.parameters(), *heads.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, betas=(.9, .97), weight_decay=.01)
    start = checkpoints.load(folder, "text", encoder=encoder, heads=heads, optimiser=optimiser)
    rng = random.Random(start + 2)
    torch.manual_seed(start)
    clock = time.time()
    for step in range(start, steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.cosine(step, steps, rate, 100)
        ids, goals, background = batch(rng, size)
        states, pooled = encoder(ids)
        # Noise keeps what the registers say far apart, so that the denoiser can read it without effort.
        states = states + .3 * torch.randn_like(states)
        loss = F.cross_entropy(heads.background(states[:, 0]), background)
        right = []
        for key, goal in goals.items():
            logits = heads.heads[key](states[:, 1:REGISTERS]).flatten(0, 1)
            loss = loss + F.cross_entropy(logits, goal.flatten(), ignore_index=-100)
            seen = goal.flatten() >= 0
            right.append((logits.argmax(-1) == goal.flatten())[seen].float().mean().item())
        # The pooled state names every object too: it reaches the denoiser first, through the modulation.
        slots = heads.pooled(pooled + .3 * torch.randn_like(pooled)).reshape(size, world.MAX_OBJECTS, -1)
        loss = loss + F.cross_entropy(slots[..., 1:].flatten(0, 1), goals["shape"].flatten(), ignore_index=-100)
        loss = loss + F.binary_cross_entropy_with_logits(slots[..., 0], goals["present"].float())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.)
        optimiser.step()
        if (step + 1) % 100 == 0:
            print(f"text {step + 1}/{steps} loss {loss.item():.4f} right {[round(r, 3) for r in right]}", flush=True)
        if time.time() - clock > 120 or step + 1 == steps:
            checkpoints.save(folder, "text", step + 1, encoder=encoder, heads=heads, optimiser=optimiser)
            clock = time.time()
