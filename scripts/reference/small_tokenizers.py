"""Small tokenizers of the two kinds that diffusion models use, in the files that their folders ship."""
import io
import json
from collections import Counter
from pathlib import Path

import sentencepiece
from transformers import CLIPTokenizer, T5TokenizerFast
from transformers.models.clip.tokenization_clip import bytes_to_unicode

CORPUS = """a photo of a red fox in the snow at dawn, a watercolour painting of a lighthouse by the sea,
an old map of an island with mountains and rivers, portrait of a woman reading a book in warm light,
blurry low quality text watermark, a bowl of green apples on a wooden table, the night sky over a quiet town,
three small boats on a lake, a city street in the rain with neon signs, the cat is sleeping on the chair"""


def merges_of(words: Counter, count: int) -> list[tuple[str, str]]:
    """The first `count` merges of byte pair encoding (Sennrich et al., 2016) over the words."""
    encoder = bytes_to_unicode()
    split = {}
    for word, n in words.items():
        letters = [encoder[b] for b in word.encode()]
        letters[-1] += "</w>"
        split[word] = (letters, n)
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for letters, n in split.values():
            for pair in zip(letters, letters[1:]):
                pairs[pair] += n
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for letters, _ in split.values():
            i = 0
            while i + 1 < len(letters):
                if (letters[i], letters[i + 1]) == best:
                    letters[i : i + 2] = ["".join(best)]
                else:
                    i += 1
    return merges


def clip_tokenizer(folder: Path, pad: str) -> CLIPTokenizer:
    """
    A CLIP tokenizer with 120 merges: the 256 bytes, the same at the end of a word, merges, two special tokens. `pad` is
    what `special_tokens_map.json` says.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = Counter(CORPUS.replace(",", " ").split())
    merges = merges_of(words, 120)
    letters = list(bytes_to_unicode().values())
    tokens = letters + [letter + "</w>" for letter in letters] + ["".join(m) for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}))
    lines = ["#version: 0.2", *(" ".join(m) for m in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    return CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token=pad, model_max_length=77)


def t5_tokenizer(folder: Path, length: int) -> T5TokenizerFast:
    """A unigram tokenizer as T5 has it: <pad> 0, </s> 1, <unk> 2, 200 pieces in all."""
    folder.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS.split("\n") * 20),
        model_writer=model,
        vocab_size=200,
        model_type="unigram",
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    return T5TokenizerFast(str(folder / "spiece.model"), extra_ids=0, model_max_length=length)
