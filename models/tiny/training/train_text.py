"""Stage 2: the tagger, taught on captions drawn anew for each step."""
import random
import time

import torch
import torch.nn.functional as F

import checkpoints
from captions import request, wording
from lexicon import ARRANGEMENTS, PLACES, TEXT_LENGTH
from text import HEADS, RELATIONS, TAGS, Reader, Tagger

TAG_OF_KIND = {"colour": TAGS.index("colour"), "size": TAGS.index("size")}


def example(rng, lexicon, things):
    """(ids [32], tags [32], the answers of the heads; -100: not asked for)"""
    asked = request(rng, things)
    ids, tags = [], []
    pieces = wording(rng, things, asked)
    nouns = [p[1] for p in pieces if not isinstance(p, str)]
    for i, piece in enumerate(pieces):
        tokens = lexicon.tokenize(piece if isinstance(piece, str) else piece[0])
        ids += tokens
        if not isinstance(piece, str):
            # A name that is not one token of its own (a phrase cut by a longer one) cannot be pointed to.
            tags += [TAGS.index("object") if lexicon.things[t] >= 0 else 0 for t in tokens]
            continue
        several = len(tokens) > 1
        later = any(not isinstance(p, str) for p in pieces[i + 1:])
        for t in tokens:
            group = lexicon.kind_names[lexicon.kinds[t]].split(" ")[0]
            if group == "colour":
                # A colour that stands alone is an object's; one within a phrase is the ground's.
                tags.append(TAGS.index("ground colour") if several else TAGS.index("colour") if later else 0)
            elif group == "size":
                tags.append(TAGS.index("size") if not several and later else 0)
            elif group == "ground":
                tags.append(TAGS.index("ground") if several and asked["says_ground"] else 0)
            else:
                tags.append(0)
    arrangement = asked["arrangement"]
    answers = {"place": 0 if asked["place"] is None else 1 + PLACES.index(asked["place"]),
               "relation": RELATIONS.index(arrangement) if arrangement in RELATIONS else -100,
               "number": int(arrangement) - 1 if arrangement.isdigit() else 0 if arrangement == "single" else -100,
               "flat": int(asked["flat"])}
    if rng.random() < .05:  # typing errors and words that are not known
        where = rng.randrange(len(ids))
        if tags[where] == 0:
            ids[where] = 1
    ids = lexicon.padded(ids)
    tags = ([0] * 4 + tags + [0] * TEXT_LENGTH)[:TEXT_LENGTH]
    return ids, tags, answers, asked, nouns


def train(folder, lexicon, things, steps=1500, size=64, rate=4e-3):
    tagger = Tagger(len(lexicon.kind_names))
    optimiser = torch.optim.AdamW(tagger.parameters(), lr=rate, betas=(.9, .97), weight_decay=.01)
    start = checkpoints.load(folder, "text", tagger=tagger, optimiser=optimiser)
    rng = random.Random(start + 2)
    kinds = torch.tensor(lexicon.kinds)
    clock, began = time.time(), time.time()
    for step in range(start, steps):
        for group in optimiser.param_groups:
            group["lr"] = checkpoints.cosine(step, steps, rate, 50)
        ids, tags, answers, _, _ = zip(*(example(rng, lexicon, things) for _ in range(size)))
        logits, heads = tagger(kinds[torch.tensor(ids)])
        loss = 4 * F.cross_entropy(logits.flatten(0, 1), torch.tensor(tags).flatten())
        for name in HEADS:
            loss = loss + F.cross_entropy(heads[name], torch.tensor([a[name] for a in answers]), ignore_index=-100)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tagger.parameters(), 1.)
        optimiser.step()
        if (step + 1) % 50 == 0:
            print(f"text {step + 1}/{steps} loss {loss.item():.4f} {(time.time() - began) / 50:.3f}s", flush=True)
            began = time.time()
        if time.time() - clock > 60 or step + 1 == steps:
            checkpoints.save(folder, "text", step + 1, tagger=tagger, optimiser=optimiser)
            clock = time.time()


def accuracy(folder, lexicon, things, n=2000, seed=99):
    """The share of new captions that are read exactly as they were meant."""
    tagger = Tagger(len(lexicon.kind_names))
    checkpoints.load(folder, "text", tagger=tagger)
    reader, rng, right = Reader(lexicon, tagger).eval(), random.Random(seed), 0
    for _ in range(n):
        ids, _, _, asked, nouns = example(rng, lexicon, things)
        with torch.no_grad():
            read = reader(torch.tensor([ids]))
        found = [t for t in read["things"][0].tolist() if t >= 0]
        right += found == [asked["things"][s] for s in nouns] and \
            ARRANGEMENTS[read["arrangement"][0].argmax()] == asked["arrangement"]
    return right / n
