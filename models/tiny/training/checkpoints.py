"""Checkpoints that survive a kill at any moment, and the learning-rate schedule."""
import math
import os

import torch


def save(folder, name, step, **parts):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{name}.pt")
    torch.save({"step": step, **{k: v.state_dict() for k, v in parts.items()}}, path + ".tmp")
    os.replace(path + ".tmp", path)


def load(folder, name, **parts):
    """Restores the parts and returns the step they were saved at; 0 without a checkpoint."""
    path = os.path.join(folder, f"{name}.pt")
    if not os.path.exists(path):
        return 0
    state = torch.load(path)
    for key, part in parts.items():
        part.load_state_dict(state[key])
    return state["step"]


def cosine(step, steps, peak, warm_up):
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * (.02 + .98 * .5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up))))
