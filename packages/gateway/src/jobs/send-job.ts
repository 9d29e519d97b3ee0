import type { Job } from "@atoma/ledger";
import type { FastifyReply, FastifyRequest } from "fastify";
import { deserializeAnswer } from "../generate/answer.ts";
import { type RenderContext, sendJson } from "../generate/render.ts";
import { renderJson } from "../generate/render-json.ts";
import { rendered } from "../generate/rendered-body.ts";
import { originFor } from "../http/origin.ts";

const seconds = (ms: number | null): number | null => (ms === null ? null : Math.floor(ms / 1000));

/** A job without its result. Times are Unix seconds. */
const jobToWire = (job: Job) => ({
  id: job.id,
  object: "image.generation",
  status: job.state,
  model: job.model,
  created_at: seconds(job.createdAt),
  started_at: seconds(job.startedAt),
  ended_at: seconds(job.endedAt),
  expires_at: seconds(job.expiresAt),
});

/** Answers with the job as it stands, its pictures or its error included. */
export async function sendJob(
  context: RenderContext,
  request: FastifyRequest,
  reply: FastifyReply,
  status: 200 | 202,
  job: Job,
): Promise<FastifyReply | undefined> {
  if (job.endedAt === null) reply.header("retry-after", "1");
  const fields = jobToWire(job);
  if (job.state !== "succeeded") {
    // The error was written by us, as an envelope's.
    const all = job.state === "failed" ? { ...fields, error: JSON.parse(job.error ?? "null") } : fields;
    return sendJson(reply, status, rendered([JSON.stringify(all)]), context);
  }
  const origin = originFor(context, request);
  const { parts } = await renderJson(deserializeAnswer(job.result ?? ""), context.files, origin);
  const whole = rendered([`${JSON.stringify(fields).slice(0, -1)},"result":`, ...parts, "}"]);
  return sendJson(reply, status, whole, context);
}
