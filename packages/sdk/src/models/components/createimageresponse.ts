import type { OpenEnum } from "../../types/enums.ts";
import type { ImageData } from "./imagedata.ts";
import type { Notes } from "./notes.ts";
import type { Usage } from "./usage.ts";

export { createImageResponseFromJSON, createImageResponseToJSON } from "./json/createimageresponse.ts";

export interface CreateImageResponse {
  /** Unix time, whole seconds. Missing where the server does not send it in a form that can be read. */
  created?: number;
  /** At least one picture. */
  data: ImageData[];
  size?: string;
  quality?: OpenEnum<"low" | "medium" | "high">;
  background?: OpenEnum<"transparent" | "opaque">;
  outputFormat?: OpenEnum<"png" | "jpeg" | "webp">;
  usage?: Usage;
  /** There where something was done to the prompt besides drawing it. */
  notes?: Notes;
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;
}
