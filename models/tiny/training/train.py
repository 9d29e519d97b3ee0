"""Trains the tiny model from nothing and writes it beside this folder: train.py [CHECKPOINTS] [--steps N]

Every stage resumes from its last checkpoint, so the command may be stopped and given again. On two cores of 2024:
autoencoder 35 min, text encoder 4 min, latents 5 min, denoiser 60 min for each 5,000 steps, decoder 8 min.
"""
import argparse
import os

import torch

import train_autoencoder
import train_denoiser
import train_text
from export import export

SCENES = 80_000

if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoints", nargs="?", default=os.path.join(here, "checkpoints"))
    parser.add_argument("--steps", type=int, default=20_000, help="of the denoiser")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    folder = arguments.checkpoints
    train_autoencoder.train(folder)
    train_text.train(folder)
    train_denoiser.build_latents(folder, SCENES)
    train_denoiser.train(folder, SCENES, arguments.steps)
    train_autoencoder.refine(folder)
    export(folder, os.path.dirname(here))
