"""Records draws of torch's CPU generator: packages/engine/test/random/torch.json.

Each entry is one generator: its seed, and several draws after each other, of which the first and last values are kept.

    python3 -m venv venv && venv/bin/pip install torch==2.15.0
    venv/bin/python scripts/reference/normals.py packages/engine/test/random/torch.json
"""

import json
import sys

import torch

SEEDS = [0, 1, 42, 2**31, 2**32 - 1, 2**32 + 7, 1234567890123]
DRAWS = [
    [16, 17, 31, 32, 33, 1000],
    [1, 1, 1],
    [3, 16, 5, 20, 7],
    [15, 2, 1, 40],
    [16384, 16384, 16384],
    [16 * 60 * 104 + 4, 3, 9],
]


def draws(seed, counts):
    generator = torch.Generator().manual_seed(seed)
    for count in counts:
        values = torch.randn(count, generator=generator)
        yield {"count": count, "first": values[:20].tolist(), "last": values[-20:].tolist(), "sum": values.double().sum().item()}


def main():
    entries = [{"seed": seed, "draws": list(draws(seed, counts))} for seed in SEEDS for counts in DRAWS]
    about = f"torch {torch.__version__.split('+')[0]} by scripts/reference/normals.py: draws of a CPU generator after each other."
    with open(sys.argv[1], "w") as file:
        lines = ",\n".join(f"  {json.dumps(entry)}" for entry in entries)
        file.write(f'{{\n "_about": {json.dumps(about)},\n "generators": [\n{lines}\n ]\n}}\n')


main()
