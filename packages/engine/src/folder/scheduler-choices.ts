import { createScheduler } from "../schedulers/create-scheduler.ts";
import type { Scheduler } from "../schedulers/scheduler.ts";
import { type Fields, fieldsOf } from "./fields.ts";

interface Choice {
  readonly _class_name: string;
  readonly [option: string]: unknown;
}

const DPM = { _class_name: "DPMSolverMultistepScheduler", algorithm_type: "dpmsolver++", solver_order: 2 };
const SDE = { ...DPM, algorithm_type: "sde-dpmsolver++" };

/** What a request's `scheduler` may name, as ComfyUI names samplers: a class of the reference and its options. */
const CHOICES: Readonly<Record<string, Choice>> = {
  ddim: { _class_name: "DDIMScheduler" },
  dpmpp_2m: DPM,
  dpmpp_2m_karras: { ...DPM, use_karras_sigmas: true },
  dpmpp_2m_sde: SDE,
  dpmpp_2m_sde_karras: { ...SDE, use_karras_sigmas: true },
  euler: { _class_name: "EulerDiscreteScheduler" },
  euler_karras: { _class_name: "EulerDiscreteScheduler", use_karras_sigmas: true },
  euler_ancestral: { _class_name: "EulerAncestralDiscreteScheduler" },
  lcm: { _class_name: "LCMScheduler" },
  pndm: { _class_name: "PNDMScheduler", skip_prk_steps: true },
  unipc: { _class_name: "UniPCMultistepScheduler" },
};

/** Schedulers that suit every U-Net that was not distilled. */
export const ANY_SCHEDULER: readonly string[] = Object.keys(CHOICES).filter((name) => name !== "lcm");

/** DDIM's own defaults are not Stable Diffusion's, whose files say so only when they are written for DDIM. */
const STABLE_DIFFUSION = { clip_sample: false, set_alpha_to_one: false };

/**
 * The schedulers that a card allows, each with the folder's own file and the choice's options. Throws ModelFolderError on a
 * name that is not known, naming those that are.
 */
export function chooseSchedulers(
  names: readonly string[],
  config: Readonly<Record<string, unknown>>,
  from: Fields,
): ReadonlyMap<string, Scheduler> {
  return new Map(
    names.map((name) => {
      const choice = Object.hasOwn(CHOICES, name) ? CHOICES[name] : undefined;
      if (!choice) throw from.fail(`"schedulers" holds ${name}; known are ${Object.keys(CHOICES).join(", ")}`);
      const whole = { ...STABLE_DIFFUSION, ...config, ...choice };
      return [name, createScheduler(fieldsOf(whole, `scheduler ${name} with scheduler_config.json`))];
    }),
  );
}
