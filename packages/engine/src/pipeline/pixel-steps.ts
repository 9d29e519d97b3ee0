import { type Native, renderSize } from "../folder/native-size.ts";
import type { PictureRequest } from "./picture-request.ts";

/** How much work a job is: pictures × rendered pixels × steps. With a native size every picture costs about the same. */
export function pixelSteps(
  job: Pick<PictureRequest, "n" | "width" | "height" | "steps">,
  native: Native | undefined,
): number {
  const { width, height } = renderSize(job, native);
  return job.n * width * height * job.steps;
}
