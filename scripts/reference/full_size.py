"""
Stable Diffusion 1.5 in its real size with random weights, for memory and time: usage: full_size.py FOLDER. Writes FOLDER/fp32
(4.3 GB) and FOLDER/fp16 (2.1 GB), both with external data. Nothing that it draws means anything.
"""
import shutil
import sys
from pathlib import Path

import onnx
import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from onnxruntime.transformers.float16 import convert_float_to_float16
from optimum.exporters.onnx import onnx_export_from_model
from transformers import CLIPTextConfig, CLIPTextModel

from families import BETAS, END
from small_tokenizers import clip_tokenizer


def pipeline(folder: Path) -> StableDiffusionPipeline:
    text = CLIPTextConfig(
        vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
        hidden_act="quick_gelu", projection_dim=768,
    )
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
    )
    return StableDiffusionPipeline(
        vae=vae, text_encoder=CLIPTextModel(text), tokenizer=clip_tokenizer(folder / "small-tokenizer", END),
        unet=UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8),
        scheduler=PNDMScheduler(**BETAS, skip_prk_steps=True), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False,
    )


def to_half(source: Path, target: Path) -> None:
    """Copies the folder with float16 weights, inputs and outputs; the weights beside the graphs."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.onnx", "*.onnx_data"))
    for file in source.rglob("model.onnx"):
        model = convert_float_to_float16(onnx.load(file), keep_io_types=False, disable_shape_infer=True)
        out = target / file.relative_to(source)
        onnx.save_model(model, out, save_as_external_data=True, location="model.onnx_data", size_threshold=100)


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    shutil.rmtree(folder / "fp32", ignore_errors=True)
    shutil.rmtree(folder / "fp16", ignore_errors=True)
    torch.manual_seed(0)
    with torch.no_grad():
        onnx_export_from_model(pipeline(folder), folder / "fp32", task="text-to-image", do_validation=False)
    to_half(folder / "fp32", folder / "fp16")
    print("done", flush=True)
