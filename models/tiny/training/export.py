"""Stage 6: writes the trained networks as a model folder in the diffusers / optimum ONNX layout.

Weights of two or more dimensions are stored as 8-bit integers with one scale per output channel (Cast and Mul, which
ONNX Runtime folds into float32 weights when it loads the model); the rest as float32.
"""
import json
import os
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import checkpoints
from nets import LATENT_CHANNELS, LATENT_SCALE, TEXT_LENGTH, TEXT_WIDTH, Decoder, Denoiser, Encoder, TextEncoder
from train_text import VOCABULARY
from world import MAX_OBJECTS


class Velocity(torch.nn.Module):
    """The denoiser's x0 as the velocity that a flow-matching scheduler integrates: v = (z - x0) / t."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, hidden_states, encoder_hidden_states, pooled_projections, timestep):
        x0 = self.net(hidden_states, encoder_hidden_states, pooled_projections, timestep)
        t = (timestep / 1000).clamp(min=1e-3).reshape(-1, 1, 1, 1)
        return (hidden_states - x0) / t


def shrink(path, exact=()):
    model = onnx.load(path)
    graph = model.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.ndim < 2 or array.size < 2048 or tensor.name in exact:
            kept.append(tensor)
            continue
        # MatMul weights are [in, out]; convolutions and embeddings have the output channel first.
        axis = array.ndim - 1 if array.ndim == 2 else 0
        others = tuple(i for i in range(array.ndim) if i != axis)
        scale = np.maximum(np.abs(array).max(others, keepdims=True), 1e-8).astype(np.float32) / 127
        whole = np.clip(np.rint(array / scale), -127, 127).astype(np.int8)
        name = tensor.name
        kept += [numpy_helper.from_array(whole, name + ".int8"), numpy_helper.from_array(scale, name + ".scale")]
        nodes.append(helper.make_node("Cast", [name + ".int8"], [name + ".float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [name + ".float", name + ".scale"], [name]))
    del graph.initializer[:]
    graph.initializer.extend(kept)
    body = list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes + body)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def to_onnx(net, inputs, folder, inputs_named, outputs_named, dynamic):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    torch.onnx.export(net.eval(), inputs, path, opset_version=17, input_names=inputs_named,
                      output_names=outputs_named, dynamic_axes=dynamic)
    shrink(path)
    print(f"{path} {os.path.getsize(path) / 1e6:.2f} MB", flush=True)


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def tokenizer(folder):
    registers = ["[GLOBAL]"] + [f"[OBJECT{i}]" for i in range(1, MAX_OBJECTS + 1)]
    special = ["[PAD]", "[UNK]", *registers]
    write(os.path.join(folder, "tokenizer.json"), {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, t in enumerate(special)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [*({"SpecialToken": {"id": t, "type_id": 0}} for t in registers),
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [special.index(t)], "tokens": [t]} for t in registers}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {w: i for i, w in enumerate(VOCABULARY)}}})
    write(os.path.join(folder, "tokenizer_config.json"), {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": TEXT_LENGTH, "pad_token": "[PAD]",
        "unk_token": "[UNK]", "do_lower_case": True, "additional_special_tokens": registers})


def export(checkpoint_folder, folder):
    encoder, decoder, text, net = Encoder(), Decoder(), TextEncoder(len(VOCABULARY)), Denoiser()
    checkpoints.load(checkpoint_folder, "autoencoder", encoder=encoder, decoder=decoder)
    checkpoints.load(checkpoint_folder, "decoder", decoder=decoder)
    checkpoints.load(checkpoint_folder, "text", encoder=text)
    checkpoints.load(checkpoint_folder, "denoiser", ema=net)
    join = lambda *p: os.path.join(folder, *p)
    write(join("model_index.json"), {
        "_class_name": "FlowMatchPipeline", "_diffusers_version": "0.35.0",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "text_encoder": ["atoma", "TextEncoder"], "transformer": ["atoma", "Denoiser"],
        "vae_encoder": ["atoma", "Encoder"], "vae_decoder": ["atoma", "Decoder"]})
    write(join("scheduler", "scheduler_config.json"), {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 2.0,
        "use_dynamic_shifting": False})
    tokenizer(join("tokenizer"))
    vae = {"_class_name": "AutoencoderKL", "latent_channels": LATENT_CHANNELS, "scaling_factor": 1.0,
           "shift_factor": 0.0, "block_out_channels": [32, 32, 32, 64, 96, 128], "in_channels": 3, "out_channels": 3}
    assert LATENT_SCALE == 2 ** (len(vae["block_out_channels"]) - 1)
    for part in ("vae_encoder", "vae_decoder"):
        write(join(part, "config.json"), vae)
    to_onnx(text, (torch.ones(2, TEXT_LENGTH, dtype=torch.long),), join("text_encoder"), ["input_ids"],
            ["last_hidden_state", "pooler_output"], {"input_ids": {0: "batch"}, "last_hidden_state": {0: "batch"},
                                                      "pooler_output": {0: "batch"}})
    grid = {0: "batch", 2: "height", 3: "width"}
    to_onnx(Velocity(net), (torch.randn(2, LATENT_CHANNELS, 8, 10), torch.randn(2, TEXT_LENGTH, TEXT_WIDTH),
                            torch.randn(2, TEXT_WIDTH), torch.tensor([500., 500.])), join("transformer"),
            ["hidden_states", "encoder_hidden_states", "pooled_projections", "timestep"], ["out_hidden_states"],
            {"hidden_states": grid, "encoder_hidden_states": {0: "batch"}, "pooled_projections": {0: "batch"},
             "timestep": {0: "batch"}, "out_hidden_states": grid})
    to_onnx(decoder, (torch.randn(1, LATENT_CHANNELS, 8, 10),), join("vae_decoder"), ["latent_sample"], ["sample"],
            {"latent_sample": grid, "sample": grid})
    to_onnx(encoder, (torch.randn(1, 3, 256, 320),), join("vae_encoder"), ["sample"], ["latent_sample"],
            {"sample": grid, "latent_sample": grid})


if __name__ == "__main__":
    torch.set_num_threads(1)
    export(sys.argv[1], sys.argv[2])
