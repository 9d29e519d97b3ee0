"""Makes the tiny model from its drawings: train.py FOLDER [--steps N] [--threads N]

FOLDER holds everything on the way: node_modules (npm installs the drawings there), data, checkpoints. Every stage resumes
from what is there, so the command may be stopped and given again. The model is written to FOLDER/model.

On one core of an AMD EPYC (AVX2): drawings 30 s, codes 25 s, decoder 15 s, tagger 800 steps 3 min. --steps N adds the
denoiser's U-Net (0 by default: without it the denoiser draws what the codes and the layout say); it runs on the CPU.
"""
import argparse
import os
import random
import shutil
import subprocess

import torch

import codes
import fit_decoder
import train_denoiser
import train_text
from drawings import Drawings
from export import export
from lexicon import Lexicon
from things import load_things

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--steps", type=int, default=0, help="of the denoiser's U-Net")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = os.path.abspath(arguments.folder)
    data = os.path.join(folder, "data")
    os.makedirs(folder, exist_ok=True)
    if not os.path.exists(os.path.join(data, "index.json")):
        shutil.copy(os.path.join(here, "package.json"), folder)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund"], cwd=folder, check=True)
        subprocess.run(["node", os.path.join(here, "drawings.mjs"), folder, data], check=True)
    drawings = Drawings(data)
    things = load_things(drawings)
    lexicon = Lexicon(things)
    codes.build(drawings, folder, sorted({n for t in things for numbers in t.numbers.values() for n in numbers}))
    fit_decoder.fit(folder, drawings)
    train_text.train(folder, lexicon, things)
    if arguments.steps:
        train_denoiser.train(folder, drawings, random.Random(), arguments.steps)
    print(f"captions read exactly as they were meant: {train_text.accuracy(folder, lexicon, things):.3f}")
    export(folder, things, os.path.join(folder, "model"))
