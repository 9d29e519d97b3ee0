"""Which runs are recorded of each family."""
PROMPT = "a photo of a red fox in the snow, 35mm"
NEGATIVE = "blurry, low quality"
LARGE = {"width": 96, "height": 64}
SMALL = {"width": 64, "height": 64}


def usual(steps: int, guidance: float, options: dict | None = None, *, negative=True, fill=True, img_strength=0.6):
    """Text to image (square, oblong, a batch of four), image to image and inpainting, with and without negative prompt."""
    base = {"prompt": PROMPT, "steps": steps, "guidance": guidance, "options": options or {}}
    against = {"negative": NEGATIVE} if negative else {}
    edits = [
        {**base, **LARGE, "name": "image to image", "mode": "image", "seed": 11, "strength": img_strength},
        {**base, **LARGE, **against, "name": "image to image, strength 1", "mode": "image", "seed": 12, "strength": 1.0},
    ]
    fills = [
        {**base, **LARGE, **against, "name": "inpainting", "mode": "mask", "seed": 13, "strength": 0.75},
        {**base, **LARGE, "name": "inpainting, strength 1", "mode": "mask", "seed": 14, "strength": 1.0},
    ]
    return [
        {**base, **SMALL, "name": "text", "mode": "text", "seed": 7},
        {**base, **LARGE, **against, "name": "text, oblong, negative prompt", "mode": "text", "seed": 8},
        {**base, **SMALL, **against, "name": "text, batch of four", "mode": "text", "seed": 9, "n": 4},
        *edits,
        *(fills if fill else []),
    ]


def with_scheduler(name: str, steps: int, mode: str = "text", **config):
    case = {
        **LARGE, "prompt": PROMPT, "negative": NEGATIVE, "steps": steps, "guidance": 6.0, "mode": mode, "seed": 21,
        "scheduler": {"_class_name": name, **config},
        "name": " ".join([name, mode, *(f"{k}={v}" for k, v in config.items())]),
    }
    return {**case, "strength": 0.6} if mode != "text" else case


FILL_ONLY = [
    {**LARGE, "prompt": PROMPT, "steps": 6, "guidance": 7.5, "mode": "mask", "seed": 13, "strength": 0.75,
     "negative": NEGATIVE, "name": "inpainting"},
    {**LARGE, "prompt": PROMPT, "steps": 6, "guidance": 7.5, "mode": "mask", "seed": 14, "strength": 1.0,
     "name": "inpainting, strength 1"},
    {**LARGE, "prompt": PROMPT, "steps": 4, "guidance": 1.0, "mode": "mask", "seed": 15, "strength": 1.0,
     "name": "inpainting without guidance"},
]
RESCALE = {**LARGE, "prompt": PROMPT, "negative": NEGATIVE, "steps": 5, "guidance": 7.5, "mode": "text", "seed": 16,
           "options": {"guidance_rescale": 0.7}, "name": "guidance rescale"}
EMPTY = {**SMALL, "prompt": PROMPT, "negative": "", "steps": 4, "guidance": 5.0, "mode": "text", "seed": 17,
         "name": "text, empty negative prompt given"}
SKIP = {**SMALL, "prompt": PROMPT, "negative": NEGATIVE, "steps": 4, "guidance": 5.0, "mode": "text", "seed": 18,
        "options": {"clip_skip": 1}, "name": "clip skip 1"}
LONG = {**SMALL, "prompt": PROMPT + ", a wooden table with green apples" * 12, "steps": 2, "guidance": 5.0,
        "mode": "text", "seed": 19, "name": "text, prompt too long"}
TRUE_CFG = {**LARGE, "prompt": PROMPT, "negative": NEGATIVE, "steps": 4, "guidance": 3.5, "mode": "text", "seed": 20,
            "options": {"true_cfg_scale": 3.0, "max_sequence_length": 512}, "name": "true guidance"}

CASES = {
    "sd15": ("sd", [
        *usual(8, 7.5), LONG,
        with_scheduler("DPMSolverMultistepScheduler", 7, use_karras_sigmas=True),
        with_scheduler("DPMSolverMultistepScheduler", 7, "image", algorithm_type="sde-dpmsolver++"),
        with_scheduler("EulerAncestralDiscreteScheduler", 6, "mask"),
        with_scheduler("UniPCMultistepScheduler", 7),
        with_scheduler("DDIMScheduler", 6, "image", clip_sample=False, set_alpha_to_one=False),
    ]),
    "sd15-inpaint": ("sd", FILL_ONLY),
    "sd2-v": ("sd", [*usual(6, 7.5), RESCALE]),
    "sd-turbo": ("sd", usual(2, 0.0, negative=False)),
    "sd-turbo-fp16": ("sd", [{**case, "steps": 2} for case in usual(2, 1.5)[:2]]),
    "lcm": ("lcm", usual(4, 8.5, negative=False)),
    "sdxl": ("sdxl", [*usual(6, 5.0), EMPTY, SKIP, {**RESCALE, "seed": 22}]),
    "sdxl-turbo": ("sdxl", usual(3, 0.0, negative=False, fill=False)),
    "sd3": ("sd3", [*usual(7, 7.0), SKIP]),
    "sd3-no-t5": ("sd3", usual(5, 7.0)[:2]),
    "flux-schnell": ("flux", usual(4, 0.0, {"max_sequence_length": 256}, negative=False)),
    "flux-dev": ("flux", [*usual(5, 3.5, {"max_sequence_length": 512}, negative=False), TRUE_CFG]),
}
# Of these the conditioning is kept; of the others it is the same.
KEEP_TEXT = {"text", "text, oblong, negative prompt", "text, empty negative prompt given", "clip skip 1", "true guidance",
             "text, prompt too long", "inpainting"}
