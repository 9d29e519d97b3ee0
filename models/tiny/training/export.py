"""Last stage: writes the networks as a model folder in the diffusers / optimum ONNX layout.

Weights of two or more dimensions are stored as 8-bit integers with one scale per output channel (Cast and Mul, which
ONNX Runtime folds into float32 weights when it loads the model); the rest as float32. The drawings' codes are 8-bit
integers to begin with, and only those that a prompt names are expanded.
"""
import json
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import checkpoints
from lexicon import SPECIAL, REGISTERS, TEXT_LENGTH, Lexicon
from nets import LATENT_CHANNELS, LATENT_SCALE, Decoder, Denoiser
from pipeline import POOLED, PictureEncoder, TextEncoder, Velocity
from text import Reader, Tagger
from things import VARIANTS


def shrink(path, exact=()):
    model = onnx.load(path)
    graph = model.graph
    kept, nodes = [], []
    for tensor in graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.ndim < 2 or array.size < 2048 or tensor.name.endswith(tuple(exact)):
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


def to_onnx(net, inputs, folder, inputs_named, outputs_named, dynamic, exact=()):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "model.onnx")
    torch.onnx.export(net.eval(), inputs, path, opset_version=17, input_names=inputs_named,
                      output_names=outputs_named, dynamic_axes=dynamic, dynamo=False)
    shrink(path, exact)
    print(f"{path} {os.path.getsize(path) / 1e6:.2f} MB", flush=True)


def write(path, value, indent=2):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf8") as f:
        json.dump(value, f, indent=indent, ensure_ascii=False)
        f.write("\n")


def tokenizer(folder, lexicon, things):
    """tokenizer.json: words by WordPiece, names of several words as added tokens. words.json: what the words stand for."""
    registers = SPECIAL[2:2 + REGISTERS]
    token = lambda i, content, special: {"id": i, "content": content, "single_word": not special, "lstrip": False,
                                         "rstrip": False, "normalized": not special, "special": special}
    phrases = [token(i, lexicon.tokens[i], False) for i in lexicon.phrases.values()]
    write(os.path.join(folder, "tokenizer.json"), {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [token(i, t, True) for i, t in enumerate(SPECIAL)] + phrases,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [*({"SpecialToken": {"id": t, "type_id": 0}} for t in registers),
                       {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {t: {"id": t, "ids": [SPECIAL.index(t)], "tokens": [t]} for t in registers}},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": lexicon.ids}}, indent=None)
    write(os.path.join(folder, "tokenizer_config.json"), {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": TEXT_LENGTH, "pad_token": "[PAD]",
        "unk_token": "[UNK]", "do_lower_case": True, "additional_special_tokens": registers})
    write(os.path.join(folder, "words.json"), {
        "things": {language: sorted({n for t in things for n in t.names[language]}) for language in ("en", "de")},
        "words": sorted(t for i, t in enumerate(lexicon.tokens) if i >= len(SPECIAL) and lexicon.things[i] < 0)}, indent=None)


def text_encoder(folder, lexicon, things):
    tagger = Tagger(len(lexicon.kind_names))
    checkpoints.load(folder, "text", tagger=tagger)
    stored = np.load(os.path.join(folder, "codes.npz"))
    row = {number: i for i, number in enumerate(stored["numbers"].tolist())}
    variants = lambda numbers: [row[numbers[v * len(numbers) // VARIANTS]] for v in range(VARIANTS)]
    numbers = torch.tensor([[variants(t.numbers[style]) for style in ("3d", "flat")] for t in things])
    codes = torch.from_numpy(stored["codes"]).flatten(2).transpose(1, 2).contiguous()
    flag = lambda name: torch.tensor([float(getattr(t, name)) for t in things])
    unknown = next(i for i, t in enumerate(things) if "question mark" in t.names["en"])
    return TextEncoder(Reader(lexicon, tagger), numbers, codes, torch.from_numpy(stored["scale"]),
                       torch.from_numpy(stored["own"]), flag("shape"), flag("mirror"), unknown), stored["basis"]


def export(checkpoint_folder, things, folder):
    lexicon = Lexicon(things)
    text, basis = text_encoder(checkpoint_folder, lexicon, things)
    decoder, denoiser = Decoder(), Denoiser(basis)
    checkpoints.load(checkpoint_folder, "decoder", decoder=decoder)
    trained = checkpoints.load(checkpoint_folder, "denoiser", ema=denoiser)
    if not trained:
        denoiser.corrects = False
    join = lambda *p: os.path.join(folder, *p)
    write(join("model_index.json"), {
        "_class_name": "FlowMatchPipeline", "_diffusers_version": "0.35.0",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"], "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
        "text_encoder": ["atoma", "TextEncoder"], "transformer": ["atoma", "Denoiser"],
        "vae_encoder": ["atoma", "Encoder"], "vae_decoder": ["atoma", "Decoder"]})
    write(join("scheduler", "scheduler_config.json"), {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 2.0,
        "use_dynamic_shifting": False})
    tokenizer(join("tokenizer"), lexicon, things)
    vae = {"_class_name": "AutoencoderKL", "latent_channels": LATENT_CHANNELS, "scaling_factor": 1.0,
           "shift_factor": 0.0, "block_out_channels": [32, 32, 64], "in_channels": 3, "out_channels": 3}
    assert LATENT_SCALE == 2 ** (len(vae["block_out_channels"]) - 1)
    for part in ("vae_encoder", "vae_decoder"):
        write(join(part, "config.json"), vae)
    ids = torch.tensor([lexicon.padded(lexicon.tokenize(t)) for t in ("a cat and a dog", "")])
    with torch.no_grad():
        states, pooled = text(ids)
    assert pooled.shape[1] == POOLED
    rows = {0: "batch"}
    to_onnx(text, (ids,), join("text_encoder"), ["input_ids"], ["last_hidden_state", "pooler_output"],
            {"input_ids": rows, "last_hidden_state": rows, "pooler_output": rows}, exact=("own", "colour", "size", "landscape"))
    grid = {0: "batch", 2: "height", 3: "width"}
    to_onnx(Velocity(denoiser), (torch.randn(2, LATENT_CHANNELS, 96, 80), states, pooled, torch.tensor([500., 500.])),
            join("transformer"), ["hidden_states", "encoder_hidden_states", "pooled_projections", "timestep"],
            ["out_hidden_states"], {"hidden_states": grid, "encoder_hidden_states": rows, "pooled_projections": rows,
                                    "timestep": rows, "out_hidden_states": grid}, exact=("basis", "table", "palette", "ground"))
    to_onnx(decoder, (torch.randn(1, LATENT_CHANNELS, 96, 80),), join("vae_decoder"), ["latent_sample"], ["sample"],
            {"latent_sample": grid, "sample": grid}, exact=("filters.weight", "linear.weight", "mix.weight"))
    to_onnx(PictureEncoder(), (torch.randn(1, 3, 384, 320),), join("vae_encoder"), ["sample"], ["latent_sample"],
            {"sample": grid, "latent_sample": grid})
