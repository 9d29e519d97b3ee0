import type { DialectName } from "@atoma/contract";
import type { Abilities } from "./abilities.ts";
import { atoma } from "./atoma.ts";
import type { Dialect } from "./dialect.ts";
import { LOCALAI, localai } from "./localai.ts";
import { MISTRALRS, mistralrs } from "./mistralrs.ts";
import { OPENAI, openai } from "./openai.ts";
import { SDCPP, sdcpp } from "./sdcpp.ts";
import { SGLANG, sglang } from "./sglang.ts";
import { VLLM_OMNI, vllmOmni } from "./vllm-omni.ts";

export type ForeignName = Exclude<DialectName, "atoma">;

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  atoma,
  openai,
  "vllm-omni": vllmOmni,
  sglang,
  sdcpp,
  mistralrs,
  localai,
};

/** What servers that are not our own can be told. */
export const ABILITIES: Readonly<Record<ForeignName, Abilities>> = {
  openai: OPENAI,
  "vllm-omni": VLLM_OMNI,
  sglang: SGLANG,
  sdcpp: SDCPP,
  mistralrs: MISTRALRS,
  localai: LOCALAI,
};
