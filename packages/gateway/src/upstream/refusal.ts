import { type ApiError, errors } from "@atoma/contract";
import { type Complaint, isModeration } from "../dialects/complaint.ts";

const INVALID = new Set([400, 422]);

/** What a node's refusal means for the client. Of the node's own words nothing reaches it. */
export function refusalError(status: number, complaint: Complaint | undefined): ApiError {
  if (INVALID.has(status) && complaint) {
    const { code, param } = complaint;
    if (isModeration(code)) return errors.moderationBlocked();
    // Found out only where the picture was decoded.
    if (code === "invalid_image_file") return errors.undecodableImage(param);
    return errors.refusedByNode(code, param);
  }
  if (status === 504) return errors.generationTimeout();
  if (complaint?.code === "generation_failed") return errors.generationFailed();
  return errors.nodeBadResponse(new Error(`status ${status}`));
}
