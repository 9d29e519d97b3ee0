import type { AdminWire } from "@atoma/contract";

export type Account = AdminWire<"Account">;
export type Key = AdminWire<"Key">;
export type CreatedKey = AdminWire<"CreatedKey">;
export type Node = AdminWire<"Node">;
export type Nodes = AdminWire<"Nodes">;
export type ActivityPoint = AdminWire<"ActivityPoint">;
export type LiveRequest = AdminWire<"LiveRequest">;
export type Hold = AdminWire<"Hold">;
export type AuditEntry = AdminWire<"AuditEntry">;

/** The server refused. The message is the server's own. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly status: number;
  readonly requestId: string | undefined;

  constructor(status: number, message: string, requestId: string | undefined) {
    super(message);
    this.status = status;
    this.requestId = requestId;
  }
}

async function failure(answer: Response): Promise<AdminError> {
  const body: unknown = await answer.json().catch(() => undefined);
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : undefined;
  const text = typeof error === "object" && error !== null && "message" in error ? error.message : undefined;
  const message = typeof text === "string" ? text : `HTTP ${answer.status}`;
  return new AdminError(answer.status, message, answer.headers.get("x-request-id") ?? undefined);
}

async function ask(method: string, path: string, body?: object, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(path, {
    method,
    ...(signal && { signal }),
    ...(body && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw await failure(answer);
  return answer;
}

/** `GET /admin/v1…`. Throws AdminError, or TypeError when the server cannot be reached. */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask("GET", `/admin/v1${path}`, undefined, signal)).json()) as T; // as its openapi.json says
}

/** Changes something under `/admin/v1`. Throws as `read`. */
export async function change<T>(method: "POST" | "PATCH" | "PUT" | "DELETE", path: string, body?: object): Promise<T> {
  const answer = await ask(method, `/admin/v1${path}`, body);
  return (answer.status === 204 ? undefined : await answer.json()) as T; // as its openapi.json says
}

/** Begins a session; the key is forgotten here. */
export async function signIn(adminKey: string): Promise<void> {
  await ask("POST", "/admin/session", { admin_key: adminKey });
}

/** Ends this browser's session, or every browser's. */
export async function signOut(everywhere: boolean): Promise<void> {
  await ask("DELETE", everywhere ? "/admin/sessions" : "/admin/session");
}
