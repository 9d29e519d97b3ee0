"""Runs diffusers' pipelines and keeps what they draw: conditioning, the latents of every step, the picture."""
import json
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    FluxImg2ImgPipeline,
    FluxInpaintPipeline,
    FluxPipeline,
    LatentConsistencyModelImg2ImgPipeline,
    LatentConsistencyModelPipeline,
    StableDiffusion3Img2ImgPipeline,
    StableDiffusion3InpaintPipeline,
    StableDiffusion3Pipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLImg2ImgPipeline,
    StableDiffusionXLInpaintPipeline,
    StableDiffusionXLPipeline,
)
from PIL import Image

PIPELINES = {
    "sd": (StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, StableDiffusionInpaintPipeline),
    "lcm": (LatentConsistencyModelPipeline, LatentConsistencyModelImg2ImgPipeline, StableDiffusionInpaintPipeline),
    "sdxl": (StableDiffusionXLPipeline, StableDiffusionXLImg2ImgPipeline, StableDiffusionXLInpaintPipeline),
    "sd3": (StableDiffusion3Pipeline, StableDiffusion3Img2ImgPipeline, StableDiffusion3InpaintPipeline),
    "flux": (FluxPipeline, FluxImg2ImgPipeline, FluxInpaintPipeline),
}
# What encode_prompt gives, in its order; of FLUX, which is asked once for each text, the second answer is the negative.
PARTS = {
    "sd": ("text", "negative_text"),
    "lcm": ("text", "negative_text"),
    "sdxl": ("text", "negative_text", "pooled", "negative_pooled"),
    "sd3": ("text", "negative_text", "pooled", "negative_pooled"),
    "flux": ("text", "pooled"),
}
WIDTH, HEIGHT = 96, 64


def picture() -> np.ndarray:
    """A smooth picture [height, width, 3] of bytes to start from."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = [np.sin(x / 9 + y / 17), np.cos(x / 13 - y / 7), np.sin((x + y) / 21)]
    return np.stack([np.round(127.5 + 120 * w) for w in waves], axis=-1).astype(np.uint8)


def mask() -> np.ndarray:
    """255 where the picture is to be painted: an ellipse that cuts latent cells [height, width]."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.where(((x - 50) / 31) ** 2 + ((y - 30) / 22) ** 2 < 1, 255, 0).astype(np.uint8)


class Record:
    """Arrays in one file, float32 or bytes, and a JSON file that says where each is."""

    def __init__(self):
        self.data = bytearray()
        self.cases = []

    def array(self, values: np.ndarray) -> dict:
        values = np.ascontiguousarray(values)
        offset = len(self.data)
        self.data += values.astype("<f4" if values.dtype.kind == "f" else "u1").tobytes()
        while len(self.data) % 4:
            self.data.append(0)
        return {"type": "float32" if values.dtype.kind == "f" else "uint8", "shape": list(values.shape), "offset": offset}

    def save(self, folder: Path, about: dict) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "record.bin").write_bytes(self.data)
        (folder / "record.json").write_text(json.dumps({**about, "cases": self.cases}, indent=1))


def unpacked(latents: torch.Tensor, height: int, width: int) -> torch.Tensor:
    return FluxPipeline._unpack_latents(latents, height, width, 8)


def switch(pipe, kind: str, which: int):
    """The same networks in another pipeline: 0 text to image, 1 image to image, 2 inpainting."""
    target = PIPELINES[kind][which]
    if isinstance(pipe, target):
        return pipe
    parts = {k: v for k, v in pipe.components.items() if k in target.__init__.__code__.co_varnames}
    if which == 2 or kind in ("sd", "lcm"):
        parts["requires_safety_checker"] = False
    if kind not in ("sd", "lcm"):
        parts.pop("requires_safety_checker", None)
    if kind == "sdxl":
        parts["force_zeros_for_empty_prompt"] = pipe.config.force_zeros_for_empty_prompt
        parts["add_watermarker"] = False
    return target(**parts)


def draw(record: Record, pipe, kind: str, case: dict, keep_text: bool) -> None:
    """
    Runs one case: {name, mode: text|image|mask, prompt, negative?, seed, n?, width, height, steps, guidance, strength?,
    scheduler?, options?: further arguments of the pipeline}. Seeds count up from `seed` for the pictures of a batch.
    """
    which = {"text": 0, "image": 1, "mask": 2}[case["mode"]]
    pipe = switch(pipe, kind, which)
    pipe.set_progress_bar_config(disable=True)
    n, width, height = case.get("n", 1), case["width"], case["height"]
    texts: list[tuple] = []
    encode = type(pipe).encode_prompt.__get__(pipe)

    def watched(*args, **options):
        texts.append(encode(*args, **options))
        return texts[-1]

    pipe.encode_prompt = watched
    if kind == "sd3" and which == 2:
        # This pipeline forgets the shift when it decodes (diffusers 0.36); the other SD3 pipelines do not.
        decode, vae = pipe.vae.decode, pipe.vae
        pipe.vae.decode = lambda z, **options: decode(z + vae.config.shift_factor, **options)
    steps = []

    def after_step(_, i, t, values):
        latents = values["latents"]
        steps.append((unpacked(latents, height, width) if kind == "flux" else latents).clone())
        return {}

    arguments = dict(case.get("options", {}))
    if case.get("negative") is not None:
        arguments["negative_prompt"] = case["negative"]
    if which > 0:
        arguments |= {"image": Image.fromarray(picture()), "strength": case["strength"]}
    if which == 2:
        arguments["mask_image"] = Image.fromarray(mask())
    if not (which == 1 and kind in ("sd", "lcm", "sdxl")):
        arguments |= {"width": width, "height": height}
    with torch.no_grad():
        result = pipe(
            prompt=case["prompt"], num_inference_steps=case["steps"], guidance_scale=case["guidance"],
            num_images_per_prompt=n, generator=[torch.Generator().manual_seed(case["seed"] + i) for i in range(n)],
            callback_on_step_end=after_step, output_type="pil", **arguments,
        ).images
    del pipe.encode_prompt
    pipe.vae.__dict__.pop("decode", None)
    kept = {}
    if keep_text:
        names = PARTS[kind]
        for call, answer in enumerate(texts):
            for name, value in zip(names, answer):
                if value is not None:
                    kept[("negative_" if call else "") + name] = record.array(value[:1].detach().numpy())
    record.cases.append({
        **{key: value for key, value in case.items() if key != "scheduler_object"},
        "conditioning": kept,
        "latents": record.array(torch.stack(steps).detach().numpy()),
        "pictures": record.array(np.stack([np.asarray(image) for image in result])),
    })
