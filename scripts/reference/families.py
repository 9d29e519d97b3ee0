"""Tiny configurations with random weights of the families of diffusion models, as diffusers builds them."""
import tempfile
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    LatentConsistencyModelPipeline,
    LCMScheduler,
    PNDMScheduler,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, T5Config, T5EncoderModel

from small_tokenizers import clip_tokenizer, t5_tokenizer

END = "<|endoftext|>"
BETAS = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)


def calibrate(layer, output, std: float, mean: float = 0.0) -> None:
    """Scales a network's last layer so that its output has the standard deviation of trained networks."""
    with torch.no_grad():
        factor = std / output.std()
        layer.weight.mul_(factor)
        if layer.bias is not None:
            layer.bias.mul_(factor).add_(mean)


def clip(tokenizer, width: int, layers: int, act: str, projection: int | None = None):
    ids = len(tokenizer)
    config = CLIPTextConfig(
        vocab_size=ids, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=2,
        max_position_embeddings=77, hidden_act=act, projection_dim=projection or width, bos_token_id=ids - 2,
        eos_token_id=ids - 1, pad_token_id=tokenizer.pad_token_id,
    )
    model = (CLIPTextModel if projection is None else CLIPTextModelWithProjection)(config).eval()
    with torch.no_grad():
        # Embeddings of 0.02 would leave nothing of the words after some layers.
        model.text_model.embeddings.token_embedding.weight.mul_(30)
    return model


def t5(tokenizer, width: int):
    config = T5Config(
        vocab_size=len(tokenizer), d_model=width, d_kv=8, d_ff=2 * width, num_layers=1, num_heads=2,
        feed_forward_proj="gated-gelu", is_encoder_decoder=False, use_cache=False, pad_token_id=0, eos_token_id=1,
    )
    return T5EncoderModel(config).eval()


def vae(channels: int, scaling: float, shift: float | None = None, **options):
    model = AutoencoderKL(
        block_out_channels=(4, 8, 8, 8), norm_num_groups=2, layers_per_block=1, latent_channels=channels,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, sample_size=64,
        scaling_factor=scaling, shift_factor=shift, use_quant_conv=shift is None, use_post_quant_conv=shift is None,
        **options,
    ).eval()
    with torch.no_grad():
        z = torch.randn(1, channels, 8, 12) / scaling
        calibrate(model.decoder.conv_out, model.decode(z).sample, 0.6)
        last = model.quant_conv or model.encoder.conv_out
        moments = model.encode(torch.rand(1, 3, 64, 96) * 2 - 1).latent_dist.parameters
        calibrate(last, moments, 1 / scaling)
        # Log-variances around −2, so that a sample of the posterior is not its mean.
        last.weight[channels:].mul_(0.1)
        last.bias[channels:].mul_(0.1).sub_(2)
    return model


def unet(cross: int, channels: int = 4, **options):
    model = UNet2DConditionModel(
        sample_size=8, in_channels=channels, out_channels=4, block_out_channels=(8, 16), layers_per_block=1,
        norm_num_groups=4, cross_attention_dim=cross, attention_head_dim=options.pop("attention_head_dim", 4),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        **options,
    ).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            # Cross attention as strong as the rest, so that the words show in the picture.
            if "attn2.to_v" in name or "attn2.to_out.0.weight" in name:
                parameter.mul_(3)
        more = {}
        if options.get("addition_embed_type"):
            more["added_cond_kwargs"] = {"text_embeds": torch.randn(1, 12), "time_ids": torch.full((1, 6), 64.0)}
        out = model(torch.randn(1, channels, 8, 12), 500, torch.randn(1, 77, cross), **more).sample
        calibrate(model.conv_out, out, 1)
    return model


def stable_diffusion(scheduler, pad=END, act="quick_gelu", channels=4, pipeline=StableDiffusionPipeline, **options):
    def build(folder: Path):
        tokenizer = clip_tokenizer(folder / "tokenizer", pad)
        return pipeline(
            vae=vae(4, 0.18215), text_encoder=clip(tokenizer, 16, 2, act), tokenizer=tokenizer,
            unet=unet(16, channels, **options), scheduler=scheduler, safety_checker=None, feature_extractor=None,
            requires_safety_checker=False,
        )
    return build


def sdxl(scheduler, latents: dict | None = None):
    def build(folder: Path):
        one = clip_tokenizer(folder / "tokenizer", END)
        two = clip_tokenizer(folder / "tokenizer_2", "!")
        return StableDiffusionXLPipeline(
            vae=vae(4, 0.13025, force_upcast=True, **(latents or {})), tokenizer=one, tokenizer_2=two,
            text_encoder=clip(one, 16, 2, "quick_gelu"), text_encoder_2=clip(two, 12, 2, "gelu", 12),
            unet=unet(
                28, addition_embed_type="text_time", addition_time_embed_dim=8,
                projection_class_embeddings_input_dim=12 + 6 * 8,
            ),
            scheduler=scheduler, force_zeros_for_empty_prompt=True, add_watermarker=False,
        )
    return build


def sd3(with_t5: bool):
    def build(folder: Path):
        one = clip_tokenizer(folder / "tokenizer", END)
        two = clip_tokenizer(folder / "tokenizer_2", "!")
        three = t5_tokenizer(folder / "tokenizer_3", 512) if with_t5 else None
        transformer = SD3Transformer2DModel(
            sample_size=8, patch_size=2, in_channels=16, out_channels=16, num_layers=2, attention_head_dim=8,
            num_attention_heads=4, joint_attention_dim=32, caption_projection_dim=32, pooled_projection_dim=28,
            pos_embed_max_size=8,
        ).eval()
        with torch.no_grad():
            out = transformer(
                torch.randn(1, 16, 8, 8), torch.randn(1, 333, 32), torch.randn(1, 28), torch.tensor([500.0])
            ).sample
            calibrate(transformer.proj_out, out, 1)
        return StableDiffusion3Pipeline(
            transformer=transformer, vae=vae(16, 1.5305, 0.0609), scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
            text_encoder=clip(one, 16, 2, "quick_gelu", 16), text_encoder_2=clip(two, 12, 2, "gelu", 12),
            text_encoder_3=t5(three, 32) if three else None, tokenizer=one, tokenizer_2=two, tokenizer_3=three,
        )
    return build


def flux(guidance: bool, scheduler):
    def build(folder: Path):
        one = clip_tokenizer(folder / "tokenizer", END)
        two = t5_tokenizer(folder / "tokenizer_2", 512)
        transformer = FluxTransformer2DModel(
            patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=16, pooled_projection_dim=16, guidance_embeds=guidance,
            axes_dims_rope=(4, 4, 8),
        ).eval()
        with torch.no_grad():
            more = {"guidance": torch.tensor([3.5])} if guidance else {}
            out = transformer(
                torch.randn(1, 16, 64), torch.randn(1, 512, 16), torch.randn(1, 16), torch.tensor([0.5]),
                torch.zeros(16, 3), torch.zeros(512, 3), **more,
            ).sample
            calibrate(transformer.proj_out, out, 1)
        return FluxPipeline(
            transformer=transformer, vae=vae(16, 0.3611, 0.1159), scheduler=scheduler,
            text_encoder=clip(one, 16, 2, "quick_gelu"), tokenizer=one, text_encoder_2=t5(two, 16), tokenizer_2=two,
        )
    return build


FAMILIES = {
    "sd15": stable_diffusion(PNDMScheduler(**BETAS, skip_prk_steps=True)),
    "sd15-inpaint": stable_diffusion(
        PNDMScheduler(**BETAS, skip_prk_steps=True), channels=9, pipeline=StableDiffusionInpaintPipeline
    ),
    "sd2-v": stable_diffusion(
        DDIMScheduler(**BETAS, clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction"),
        pad="!", act="gelu", attention_head_dim=(2, 4), use_linear_projection=True,
    ),
    "sd-turbo": stable_diffusion(
        EulerDiscreteScheduler(**BETAS, timestep_spacing="trailing"),
        pad="!", act="gelu", attention_head_dim=(2, 4), use_linear_projection=True,
    ),
    "lcm": stable_diffusion(
        LCMScheduler(**{**BETAS, "steps_offset": 0}, original_inference_steps=50, set_alpha_to_one=True),
        pipeline=LatentConsistencyModelPipeline, time_cond_proj_dim=16,
    ),
    "sdxl": sdxl(EulerDiscreteScheduler(**BETAS, timestep_spacing="leading")),
    "sdxl-turbo": sdxl(
        EulerAncestralDiscreteScheduler(**BETAS, timestep_spacing="trailing"),
        {"latents_mean": [0.1, -0.2, 0.3, 0.0], "latents_std": [0.8, 1.1, 0.9, 1.2]},
    ),
    "sd3": sd3(True),
    "sd3-no-t5": sd3(False),
    "flux-schnell": flux(False, FlowMatchEulerDiscreteScheduler(shift=1.0)),
    "flux-dev": flux(
        True,
        FlowMatchEulerDiscreteScheduler(
            shift=3.0, use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, base_image_seq_len=256,
            max_image_seq_len=4096,
        ),
    ),
}


def build(name: str):
    """The pipeline of a family; the same weights at every call."""
    torch.manual_seed(list(FAMILIES).index(name))
    return FAMILIES[name](Path(tempfile.mkdtemp()))
