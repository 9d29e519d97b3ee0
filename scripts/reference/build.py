"""
Builds tiny models of every family with random weights, exports them to ONNX and records what diffusers draws with them.
usage: build.py [family …]   writes packages/engine/test/fixtures/models/FAMILY
"""
import json
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import diffusers
import onnx
import onnxruntime
import torch
from onnxruntime.transformers.float16 import convert_float_to_float16
from optimum.exporters.onnx import onnx_export_from_model
from optimum.onnxruntime import ORTStableDiffusionPipeline

from cases import CASES, KEEP_TEXT
from families import build
from record import Record, draw

FOLDER = Path(__file__).parents[2] / "packages/engine/test/fixtures/models"
VERSIONS = {name: version(name) for name in ("torch", "diffusers", "transformers", "optimum", "optimum-onnx", "onnx")}


def to_half(file: Path) -> None:
    """What converters of the hub's fp16 folders do: float16 weights, inputs and outputs."""
    onnx.save(convert_float_to_float16(onnx.load(file), keep_io_types=False), file)


def to_external(file: Path, name: str) -> None:
    """Tensors in a file beside the graph, as the exporters write them above 2 GB."""
    model = onnx.load(file)
    onnx.save_model(model, file, save_as_external_data=True, all_tensors_to_one_file=True, location=name,
                    size_threshold=100, convert_attribute=False)


def tidy(folder: Path, family: str) -> None:
    """Drops what the engine reads nowhere and makes of some folders what others on the hub look like."""
    for file in folder.rglob("spiece.model"):
        file.unlink()
    for file in folder.rglob("README.md"):
        file.unlink()
    if family == "sd2-v":
        old_tokenizer_config(folder / "tokenizer/tokenizer_config.json")
    if family == "sdxl":
        to_external(folder / "unet/model.onnx", "model.onnx_data")
    if family == "flux-dev":
        to_external(folder / "transformer/model.onnx", "weights.pb")


def with_class(folder: Path, scheduler: dict):
    """Another class with the folder's own file: not from the object, which would leave out what is its class's default."""
    config = {**json.loads((folder / "scheduler/scheduler_config.json").read_text()), **scheduler}
    return getattr(diffusers, config.pop("_class_name")).from_config(config)


def old_tokenizer_config(file: Path) -> None:
    """As Stable Diffusion 2.1 ships it: without added_tokens_decoder, and with another padding token than the map's."""
    config = json.loads(file.read_text())
    del config["added_tokens_decoder"]
    file.write_text(json.dumps({**config, "pad_token": "<|endoftext|>"}, indent=2))


def half_precision(folder: Path):
    """The folder in float16, and optimum's own pipeline on it as the reference: torch would round elsewhere."""
    for file in folder.rglob("model.onnx"):
        to_half(file)
    return ORTStableDiffusionPipeline.from_pretrained(folder)


def main(family: str) -> None:
    half = family.endswith("-fp16")
    pipe = build(family.removesuffix("-fp16"))
    folder = FOLDER / family
    shutil.rmtree(folder, ignore_errors=True)
    onnx_export_from_model(pipe, folder, task="text-to-image", do_validation=False)
    tidy(folder, family)
    if half:
        pipe = half_precision(folder)
    kind, cases = CASES[family]
    own, record = pipe.scheduler, Record()
    for case in cases:
        pipe.scheduler = with_class(folder, case["scheduler"]) if "scheduler" in case else own
        draw(record, pipe, kind, case, case["name"] in KEEP_TEXT)
    tiled = {"tiled": decoded_in_tiles(record, pipe.vae)} if family == "sd15" else {}
    record.save(folder / "record", {"family": family, "versions": VERSIONS, **inputs(record), **tiled})
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.parent.name != "record")
    print(f"{family}: {size / 1e3:.0f} kB, record {len(record.data) / 1e3:.0f} kB", flush=True)


def decoded_in_tiles(record: Record, vae) -> dict:
    """A latent of 12 × 20 cells, decoded in tiles of 8 × 8."""
    latent = torch.randn(1, 4, 12, 20, generator=torch.Generator().manual_seed(1))
    vae.enable_tiling()
    with torch.no_grad():
        picture = vae.decode(latent / vae.config.scaling_factor).sample[0]
    vae.disable_tiling()
    pixels = ((picture / 2 + 0.5).clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype("uint8")
    return {"latent": record.array(latent[0].numpy()), "picture": record.array(pixels)}


def inputs(record: Record) -> dict:
    from record import mask, picture
    return {"picture": record.array(picture()), "mask": record.array(mask())}


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name in sys.argv[1:] or CASES:
        main(name)
