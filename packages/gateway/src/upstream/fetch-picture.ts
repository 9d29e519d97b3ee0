import type { Pool } from "undici";

/**
 * Gets a picture that a node answered with as a URL: from the node's own origin only, at most `maxBytes`, no redirects, and
 * with the node's own credential. Throws on anything else: a node must not make the gateway call addresses of its choice.
 */
export async function fetchPicture(
  { pool, origin, headers }: { pool: Pool; origin: string; headers: Readonly<Record<string, string>> },
  url: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const target = URL.canParse(url) ? new URL(url) : undefined;
  if (target?.origin !== origin) throw new Error("the picture's URL is not of the node's own origin");
  const answer = await pool.request({ method: "GET", path: target.pathname + target.search, headers, signal });
  answer.body.on("error", () => {});
  try {
    if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode} for a picture`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of answer.body) {
      size += chunk.length;
      if (size > maxBytes) throw new Error("picture too large");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks, size);
  } finally {
    answer.body.destroy();
  }
}
