import type { Fields } from "../folder/fields.ts";
import { ddim } from "./ddim.ts";
import { eulerDiscrete } from "./euler-discrete.ts";
import { flowMatchEuler } from "./flow-match-euler.ts";
import type { Scheduler } from "./scheduler.ts";

const SCHEDULERS: Readonly<Record<string, (config: Fields) => Scheduler>> = {
  FlowMatchEulerDiscreteScheduler: flowMatchEuler,
  EulerDiscreteScheduler: eulerDiscrete,
  DDIMScheduler: ddim,
};

/** The scheduler that a `scheduler_config.json` asks for. Throws ModelFolderError on one that is not built. */
export function createScheduler(config: Fields): Scheduler {
  const name = config.string("_class_name");
  const create = Object.hasOwn(SCHEDULERS, name) ? SCHEDULERS[name] : undefined;
  if (!create) throw config.fail(`scheduler ${name} is not supported; use ${Object.keys(SCHEDULERS).join(", ")}`);
  return create(config);
}
