"""Records how transformers' fast tokenizers cut odd texts: writes packages/engine/test/fixtures/tokens.json."""
import json
from pathlib import Path

from transformers import CLIPTokenizerFast, T5TokenizerFast

FIXTURES = Path(__file__).parents[2] / "packages/engine/test/fixtures"
TEXTS = [
    "", " ", "a photo of a red fox", "A  PHOTO\tof\n\n a Red FOX  ", "it's 35mm, isn't it? they'll've", "1234 567", "wow! nice!! a!b",
    "naïve café, coöperate", "e\u0301 composed", "ÄÖÜ ß ẞ", "日本語の猫", "🦊 and 👩‍👩‍👧", "a-b_c/d.e,f;g:h", "(((masterpiece))), [best:1.2]",
    "<|endoftext|> a <|startoftext|> b", "</s> a <pad> b", "x" * 40, "a\u00a0b\u2003c\u200bd", "don't can't I'm you're we've he'd",
    "snow at dawn, " * 40, "!!!", "$100 & 50% off #1 @home", "über-große Fußgänger", "\u0000 a \uffff b", "ﬁne ½ ² ℌ",
]


def main() -> None:
    tokenizers = {
        "sd15/tokenizer": (CLIPTokenizerFast, 77),
        "sd2-v/tokenizer": (CLIPTokenizerFast, 77),
        "sdxl/tokenizer_2": (CLIPTokenizerFast, 77),
        "sd3/tokenizer_3": (T5TokenizerFast, 256),
    }
    record = {}
    for name, (kind, length) in tokenizers.items():
        tokenizer = kind.from_pretrained(FIXTURES / "models" / name)
        ids = [tokenizer(text, padding="max_length", max_length=length, truncation=True).input_ids for text in TEXTS]
        record[name] = {"length": length, "cases": [[text, row] for text, row in zip(TEXTS, ids)]}
    (FIXTURES / "tokens.json").write_text(json.dumps(record) + "\n")


if __name__ == "__main__":
    main()
