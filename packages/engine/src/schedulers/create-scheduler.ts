import type { Fields } from "../folder/fields.ts";
import { ddim } from "./ddim.ts";
import { dpmMultistep } from "./dpm-multistep.ts";
import { eulerAncestral } from "./euler-ancestral.ts";
import { eulerDiscrete } from "./euler-discrete.ts";
import { flowMatchEuler } from "./flow-match-euler.ts";
import { lcm } from "./lcm.ts";
import { pndm } from "./pndm.ts";
import type { Scheduler } from "./scheduler.ts";
import { unipc } from "./unipc.ts";

const SCHEDULERS: Readonly<Record<string, (config: Fields) => Scheduler>> = {
  DDIMScheduler: ddim,
  EulerAncestralDiscreteScheduler: eulerAncestral,
  EulerDiscreteScheduler: eulerDiscrete,
  FlowMatchEulerDiscreteScheduler: flowMatchEuler,
  LCMScheduler: lcm,
  DPMSolverMultistepScheduler: dpmMultistep,
  PNDMScheduler: pndm,
  UniPCMultistepScheduler: unipc,
};

/**
 * The scheduler that a `scheduler_config.json` asks for, or the class `name` with that file's options. Throws
 * ModelFolderError on a class or an option that is not built.
 */
export function createScheduler(config: Fields, name: string = config.string("_class_name")): Scheduler {
  const create = Object.hasOwn(SCHEDULERS, name) ? SCHEDULERS[name] : undefined;
  if (!create) throw config.fail(`scheduler ${name} is not supported; use ${Object.keys(SCHEDULERS).join(", ")}`);
  return create(config);
}
