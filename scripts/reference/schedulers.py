"""Records runs of diffusers' schedulers: packages/engine/test/schedulers/broad.json.

Every class that the engine has, with its spacings, predictions, options and numbers of steps; runs of pipelines'
image to image (`begin`: noised to that evaluation's level, then run from there); and random combinations of options.
What diffusers refuses, what gives nothing but zeros or no finite numbers, and what depends on rounding is left out: runs that change by more
than 2e-6 when the network's output and the noise change in their last digit.

    python3 -m venv venv && venv/bin/pip install diffusers==0.42.1 torch==2.15.0 scipy
    venv/bin/python scripts/reference/schedulers.py packages/engine/test/schedulers/broad.json
"""

import itertools
import json
import math
import random
import sys
import warnings

import diffusers
import numpy as np
import torch

warnings.filterwarnings("ignore")
torch.set_num_threads(1)
diffusers.logging.set_verbosity_error()

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
SPACINGS = ["linspace", "leading", "trailing"]
RESPACINGS = ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]
ABOUT = (
    f"Runs of diffusers {diffusers.__version__} (torch {torch.__version__.split('+')[0]}, float32) by scripts/reference/schedulers.py, as a "
    "pipeline runs them: the network sees scale_model_input(x), step gets the unscaled x. Sample and network as in "
    "pipeline.json. Seed-0 CPU generator; with begin, the noise of add_noise is its first draw."
)


def sample():
    return torch.arange(768).reshape(3, 8, 8, 4).permute(3, 0, 1, 2) / 768


def network(x, t):
    return x * t / (t + 1)


JITTER = torch.Generator().manual_seed(1)


def jittered(x):
    """The same numbers, but for their last digit."""
    return x * (1 + 2e-7 * torch.randn(x.shape, generator=JITTER))


def same(x):
    return x


def run(config, digit=same):
    options = dict(config)
    pipeline = {key: options.pop(key) for key in ["steps", "sigmas", "mu", "eta", "strength", "begin"] if key in options}
    cls = getattr(diffusers, options["_class_name"])
    scheduler = cls.from_config(options)
    generator = torch.Generator().manual_seed(0)
    passed = {key: pipeline[key] for key in ["mu", "strength"] if key in pipeline}
    if "sigmas" in pipeline:
        sigmas = pipeline["sigmas"]
        passed["sigmas"] = np.array(sigmas) if "UniPC" in options["_class_name"] else sigmas
    scheduler.set_timesteps(pipeline["steps"], **passed)
    begin = pipeline.get("begin", 0)
    timesteps = scheduler.timesteps[begin:]
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    if "begin" in pipeline:
        x = sample()
        noise = torch.randn(x.shape, generator=generator)
        at = timesteps[:1]
        x = scheduler.scale_noise(x, at, noise) if hasattr(scheduler, "scale_noise") else scheduler.add_noise(x, noise, at)
    else:
        x = sample() * getattr(scheduler, "init_noise_sigma", 1.0)
    extra = {}
    parameters = cls.step.__code__.co_varnames[: cls.step.__code__.co_argcount]
    if "generator" in parameters:
        extra["generator"] = generator
    if "eta" in pipeline:
        extra["eta"] = pipeline["eta"]
    for t in timesteps:
        seen = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        x = digit(scheduler.step(digit(network(seen, t)), t, x, **extra).prev_sample)
    flat = x.flatten()
    entry = {
        "config": config,
        "sum": flat.double().abs().sum().item(),
        "first": flat[:4].tolist(),
        "last": flat[-2:].tolist(),
    }
    if len(scheduler.timesteps) <= 10:
        entry["timesteps"] = scheduler.timesteps.double().tolist()
    return entry


def amplifies(config):
    """Runs that amplify the rounding of torch's own sqrt, which is not to the nearest number (MKL), or divide by no signal."""
    zero_snr = config.get("rescale_betas_zero_snr", False)
    if zero_snr and config.get("beta_schedule") == "squaredcos_cap_v2":
        return True
    if zero_snr and config["_class_name"] == "LCMScheduler" and config.get("prediction_type", "epsilon") == "epsilon":
        return True
    return config["_class_name"] == "PNDMScheduler" and not config.get("skip_prk_steps") and "begin" in config


def off(a, b):
    """By how much two runs differ, as bench/engine/schedulers.ts measures it."""
    pairs = list(zip(a["first"] + a["last"], b["first"] + b["last"]))
    return max([abs(a["sum"] - b["sum"]) / max(a["sum"], 1e-30)] + [abs(x - y) / max(1, abs(x)) for x, y in pairs])


def systematic():
    """Named configurations: each class's options one by one and in the combinations that are in use."""
    for cls, kinds in [
        ("PNDM", [{"skip_prk_steps": True}, {}]),
        ("DDIM", [{"clip_sample": False}, {}, {"clip_sample_range": 0.4}, {"thresholding": True, "sample_max_value": 1.5}]),
        ("EulerDiscrete", [{}]),
        ("EulerAncestralDiscrete", [{}]),
        ("DPMSolverMultistep", [{}]),
        ("UniPCMultistep", [{}]),
    ]:
        for spacing, prediction, kind, steps in itertools.product(
            SPACINGS, ["epsilon", "v_prediction", "sample"], kinds, [4, 7, 25]
        ):
            if prediction == "sample" and cls in ("PNDM", "EulerAncestralDiscrete"):
                continue
            yield {"_class_name": f"{cls}Scheduler", **SD, "timestep_spacing": spacing, "prediction_type": prediction, **kind, "steps": steps}
    euler = {"_class_name": "EulerDiscreteScheduler", **SD}
    for respacing, spacing, steps in itertools.product(RESPACINGS, SPACINGS, [5, 12]):
        for cls in ["EulerDiscrete", "DPMSolverMultistep", "UniPCMultistep"]:
            yield {"_class_name": f"{cls}Scheduler", **SD, "timestep_spacing": spacing, respacing: True, "steps": steps}
    for options in [
        {"interpolation_type": "log_linear"},
        {"final_sigmas_type": "sigma_min"},
        {"final_sigmas_type": "sigma_min", "use_karras_sigmas": True},
        {"timestep_type": "continuous", "prediction_type": "v_prediction"},
        {"timestep_type": "continuous", "prediction_type": "v_prediction", "use_karras_sigmas": True, "sigma_min": 0.002, "sigma_max": 700.0},
        {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "timestep_spacing": "trailing"},
        {"use_exponential_sigmas": True, "sigma_min": 0.05, "sigma_max": 10.0},
        {"use_beta_sigmas": True, "sigma_min": 0.05, "sigma_max": 10.0},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"trained_betas": [0.001 + 0.0002 * i for i in range(60)], "num_train_timesteps": 60},
    ]:
        yield {**euler, **options, "steps": 8}
    dpm = {"_class_name": "DPMSolverMultistepScheduler", **SD}
    for algorithm, solver, order, steps in itertools.product(
        ["dpmsolver++", "sde-dpmsolver++", "dpmsolver", "sde-dpmsolver"], ["midpoint", "heun"], [1, 2, 3], [6, 18]
    ):
        final = {"final_sigmas_type": "sigma_min"} if algorithm in ("dpmsolver", "sde-dpmsolver") else {}
        yield {**dpm, "algorithm_type": algorithm, "solver_type": solver, "solver_order": order, **final, "steps": steps}
    for options in [
        {"euler_at_final": True},
        {"lower_order_final": False},
        {"final_sigmas_type": "sigma_min"},
        {"final_sigmas_type": "sigma_min", "lower_order_final": False},
        {"use_lu_lambdas": True},
        {"use_lu_lambdas": True, "beta_schedule": "squaredcos_cap_v2"},
        {"use_karras_sigmas": True, "beta_schedule": "squaredcos_cap_v2"},
        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++", "solver_type": "heun"},
        {"lambda_min_clipped": -5.1, "beta_schedule": "squaredcos_cap_v2"},
        {"lambda_min_clipped": -2.0, "timestep_spacing": "leading"},
        {"lambda_min_clipped": -2.0, "timestep_spacing": "trailing"},
        {"lambda_min_clipped": -math.inf},
        {"thresholding": True, "sample_max_value": 2.0},
        {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "timestep_spacing": "trailing"},
        {"algorithm_type": "deis", "solver_type": "logrho"},
        {"use_flow_sigmas": True, "flow_shift": 3.0, "prediction_type": "flow_prediction", "algorithm_type": "sde-dpmsolver++"},
        {"use_flow_sigmas": True, "use_dynamic_shifting": True, "prediction_type": "flow_prediction", "mu": 0.9},
    ]:
        for steps in [9, 20]:
            yield {**dpm, **options, "steps": steps}
    unipc = {"_class_name": "UniPCMultistepScheduler", **SD}
    for solver, order, predict_x0, final, steps in itertools.product(
        ["bh1", "bh2"], [1, 2, 3], [True, False], ["zero", "sigma_min"], [6, 15]
    ):
        yield {**unipc, "solver_type": solver, "solver_order": order, "predict_x0": predict_x0, "final_sigmas_type": final, "steps": steps}
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    for options in [
        {"disable_corrector": [0, 1]},
        {"disable_corrector": [3]},
        {"lower_order_final": False, "final_sigmas_type": "sigma_min"},
        {"thresholding": True, "sample_max_value": 2.0},
        {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction", "timestep_spacing": "trailing"},
        {"use_karras_sigmas": True, "final_sigmas_type": "sigma_min"},
        {"solver_type": "heun"},
        {**flow},
        {**flow, "flow_shift": 3.0},
        {**flow, "flow_shift": 5.0, "final_sigmas_type": "sigma_min", "solver_type": "bh1"},
        {**flow, "flow_shift": 3.0, "shift_terminal": 0.02},
        {**flow, "use_karras_sigmas": True, "sigma_min": 0.05, "sigma_max": 20.0},
        {**flow, "use_dynamic_shifting": True, "mu": 0.8},
        {**flow, "use_dynamic_shifting": True, "time_shift_type": "linear", "mu": 0.8},
    ]:
        for steps in [7, 16]:
            yield {**unipc, **options, "steps": steps}
    lcm = {"_class_name": "LCMScheduler", **SD}
    for steps in [1, 2, 4, 8, 50]:
        yield {**lcm, "steps": steps}
    for options in [
        {"set_alpha_to_one": False},
        {"prediction_type": "v_prediction"},
        {"prediction_type": "sample"},
        {"clip_sample": True},
        {"thresholding": True, "sample_max_value": 1.5},
        {"timestep_scaling": 1.0},
        {"original_inference_steps": 20},
        {"strength": 0.5},
        {"strength": 0.83},
        {"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"},
    ]:
        yield {**lcm, **options, "steps": 6}
    for eta in [0.3, 1.0]:
        for prediction in ["epsilon", "v_prediction"]:
            yield {"_class_name": "DDIMScheduler", **SD, "clip_sample": False, "prediction_type": prediction, "eta": eta, "steps": 9}
    yield {"_class_name": "DDIMScheduler", **SD, "steps": 1000, "clip_sample": False}
    match = {"_class_name": "FlowMatchEulerDiscreteScheduler"}
    linspace = lambda n: np.linspace(1.0, 1 / n, n).tolist()
    for options in [
        {},
        {"shift": 3.0},
        {"shift": 1.15},
        {"shift": 3.0, "use_karras_sigmas": True},
        {"shift": 3.0, "use_exponential_sigmas": True},
        {"shift": 3.0, "use_beta_sigmas": True},
        {"shift": 3.0, "shift_terminal": 0.02},
        {"use_dynamic_shifting": True, "mu": 0.7},
        {"use_dynamic_shifting": True, "mu": 0.7, "time_shift_type": "linear"},
        {"use_dynamic_shifting": True, "mu": 0.7, "shift_terminal": 0.02},
        {"use_dynamic_shifting": True, "mu": 1.15, "use_karras_sigmas": True},
        {"invert_sigmas": True},
        {"shift": 3.0, "stochastic_sampling": True},
        {"num_train_timesteps": 500, "shift": 2.0},
    ]:
        for steps in [1, 4, 11, 28]:
            yield {**match, **options, "steps": steps}
            yield {**match, **options, "steps": steps, "sigmas": linspace(steps)}
    for cls in ["PNDM", "DDIM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "UniPCMultistep", "LCM"]:
        for begin, spacing in itertools.product([1, 3, 6], SPACINGS):
            more = {"skip_prk_steps": True} if cls == "PNDM" else {}
            yield {"_class_name": f"{cls}Scheduler", **SD, "timestep_spacing": spacing, **more, "steps": 8, "begin": begin}
    for begin in [1, 3, 6]:
        yield {**match, "shift": 3.0, "steps": 8, "begin": begin}
        yield {**match, "use_dynamic_shifting": True, "mu": 0.9, "steps": 8, "sigmas": linspace(8), "begin": begin}


def pick(dice, **choices):
    """One value for each key; half of the time the key is left out."""
    return {key: dice.choice(values) for key, values in choices.items() if dice.random() < 0.5}


def arbitrary(count):
    """Random combinations, as nobody would choose them."""
    dice = random.Random(14)
    for _ in range(count):
        cls = dice.choice(["PNDM", "DDIM", "EulerDiscrete", "EulerAncestralDiscrete", "DPMSolverMultistep", "UniPCMultistep", "LCM", "FlowMatchEulerDiscrete"])
        config = {"_class_name": f"{cls}Scheduler"}
        if cls == "FlowMatchEulerDiscrete":
            config |= pick(dice, shift=[0.5, 2.5, 6.0], shift_terminal=[0.01, 0.1], invert_sigmas=[True], stochastic_sampling=[True])
            if dice.random() < 0.4:
                config[dice.choice(RESPACINGS)] = True
            if dice.random() < 0.4:
                config |= {"use_dynamic_shifting": True, "mu": dice.uniform(0.3, 1.4), "time_shift_type": dice.choice(["exponential", "linear"])}
            config["steps"] = dice.randint(1, 40)
            if dice.random() < 0.5:
                config["sigmas"] = np.linspace(1.0, 1 / config["steps"], config["steps"]).tolist()
            yield config
            continue
        config |= dice.choice([SD, {}, {"beta_schedule": "squaredcos_cap_v2"}, {"beta_start": 0.0001, "beta_end": 0.02}])
        config |= pick(dice, timestep_spacing=SPACINGS, steps_offset=[0, 1, 3], num_train_timesteps=[1000, 1100, 400])
        config |= pick(dice, prediction_type=["epsilon", "v_prediction", "sample"])
        if cls in ("PNDM",):
            config |= pick(dice, skip_prk_steps=[True, True, False], set_alpha_to_one=[True, False])
        if cls in ("DDIM", "LCM"):
            config |= pick(dice, clip_sample=[True, False], clip_sample_range=[0.5, 2.0], set_alpha_to_one=[True, False], thresholding=[True, False], sample_max_value=[1.0, 2.5], dynamic_thresholding_ratio=[0.9, 0.99])
        if cls != "PNDM":
            config |= pick(dice, rescale_betas_zero_snr=[True, False, False])
        if cls in ("EulerDiscrete", "DPMSolverMultistep", "UniPCMultistep"):
            if dice.random() < 0.5:
                config[dice.choice(RESPACINGS)] = True
                config |= pick(dice, sigma_min=[0.01, 0.1], sigma_max=[8.0, 14.0])
            config |= pick(dice, final_sigmas_type=["zero", "sigma_min"])
        if cls == "EulerDiscrete":
            config |= pick(dice, interpolation_type=["linear", "log_linear"], timestep_type=["discrete", "continuous"])
        if cls in ("DPMSolverMultistep", "UniPCMultistep"):
            config |= pick(dice, solver_order=[1, 2, 3], lower_order_final=[True, False], thresholding=[True, False], sample_max_value=[1.0, 2.5])
            if dice.random() < 0.3:
                config |= {"use_flow_sigmas": True, "flow_shift": dice.choice([1.0, 2.0, 7.0]), "prediction_type": "flow_prediction"}
        if cls == "DPMSolverMultistep":
            config |= pick(dice, algorithm_type=["dpmsolver++", "sde-dpmsolver++"], solver_type=["midpoint", "heun"], euler_at_final=[True, False], use_lu_lambdas=[True, False], lambda_min_clipped=[-4.0, -1.0])
        if cls == "UniPCMultistep":
            config |= pick(dice, solver_type=["bh1", "bh2"], predict_x0=[True, True, False], disable_corrector=[[0], [1, 2, 3]])
        config["steps"] = dice.randint(1, 12 if cls == "LCM" else 40)
        if cls != "FlowMatchEulerDiscrete" and dice.random() < 0.25:
            config["begin"] = dice.randint(0, config["steps"] - 1)
        yield config


def main():
    entries = {"_about": ABOUT}
    left_out = 0
    named = [("run", systematic()), ("random", arbitrary(400))]
    for kind, configs in named:
        for i, config in enumerate(configs):
            name = f"{kind}_{i}_{config['_class_name'].removesuffix('Scheduler')}"
            if amplifies(config):
                left_out += 1
                continue
            try:
                entry = run(config)
            except (ValueError, NotImplementedError, IndexError, RuntimeError, UnboundLocalError, TypeError, AttributeError, AssertionError) as error:
                left_out += 1
                print(name, config, type(error).__name__, str(error)[:90], file=sys.stderr)
                continue
            if entry["sum"] == 0 or not math.isfinite(entry["sum"]) or not all(map(math.isfinite, entry["first"] + entry["last"])):
                left_out += 1
                print(name, config, "zero or not finite", file=sys.stderr)
                continue
            if not max(off(entry, run(config, jittered)) for _ in range(3)) <= 2e-6:
                left_out += 1
                print(name, config, "depends on rounding", file=sys.stderr)
                continue
            entries[name] = entry
    with open(sys.argv[1], "w") as file:
        # -1e999 is JSON, and minus infinity.
        lines = [f" {json.dumps(name)}: {json.dumps(value).replace('-Infinity', '-1e999')}" for name, value in entries.items()]
        file.write("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(entries) - 1} runs, {left_out} left out", file=sys.stderr)


main()
