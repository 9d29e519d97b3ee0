import { APIError, ConnectionError, RequestTimeoutError } from "atoma-sdk";
import type { errorTexts } from "./texts.ts";

export interface Explained {
  readonly title: string;
  /** What to do. */
  readonly help: string;
  /** The server's own words, where they say more. */
  readonly said: string | undefined;
  readonly requestId: string | undefined;
}

type Texts = typeof errorTexts extends { in: (language: never) => infer T } ? T : never;
type Name = Extract<keyof Texts, `${string}Help`> extends `${infer N}Help` ? N : never;

const BY_CODE: Readonly<Record<string, Name>> = {
  invalid_api_key: "signedOut",
  insufficient_quota: "noUnits",
  permission_denied: "notAllowed",
  model_not_found: "noModel",
  rate_limit_exceeded: "limited",
  node_unreachable: "nodeFailed",
  node_bad_response: "nodeFailed",
  generation_failed: "nodeFailed",
  interrupted: "nodeFailed",
  overloaded: "busy",
  shutting_down: "busy",
  timeout: "tooSlow",
  moderation_blocked: "blocked",
  request_too_large: "tooLarge",
  image_file_too_large: "tooLarge",
  image_too_large: "tooLarge",
};

const BY_STATUS: Readonly<Record<number, Name>> = {
  400: "refused",
  401: "signedOut",
  402: "noUnits",
  403: "notAllowed",
  429: "limited",
  503: "busy",
  504: "tooSlow",
};

/** The server's message, from an envelope as this API has them. */
function messageOf(body: string): string | undefined {
  try {
    const said: unknown = JSON.parse(body)?.error?.message;
    return typeof said === "string" ? said : undefined;
  } catch {
    return undefined; // no envelope
  }
}

/** An error of the SDK in plain words. */
export function explainError(error: unknown, t: Texts): Explained {
  const explain = (name: Name, said?: string, requestId?: string): Explained => {
    return { title: t[name], help: t[`${name}Help`], said, requestId };
  };
  if (error instanceof APIError) {
    const name = BY_CODE[error.code ?? ""] ?? BY_STATUS[error.statusCode] ?? "unknown";
    const said = name === "refused" || name === "unknown" || name === "limited" ? messageOf(error.body) : undefined;
    return explain(name, said, error.requestId);
  }
  if (error instanceof ConnectionError) return explain("lost");
  if (error instanceof RequestTimeoutError) return explain("tooSlow");
  return explain("unknown", error instanceof Error ? error.message : undefined);
}
