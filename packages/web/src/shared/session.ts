/** A sign-in that was refused. */
export class SignInError extends Error {
  override readonly name = "SignInError";
  readonly status: number;
  readonly requestId: string | undefined;

  constructor(status: number, requestId: string | undefined) {
    super(`sign-in refused with ${status}`);
    this.status = status;
    this.requestId = requestId;
  }
}

const LINK = /^#sign-in=([\w-]+)$/;

/** The token of a sign-in link, taken out of the address at once, so that it stays neither there nor in the history. */
export function takeSignInToken(): string | undefined {
  const token = LINK.exec(location.hash)?.[1];
  if (token !== undefined) history.replaceState(null, "", location.pathname);
  return token;
}

/**
 * Begins a session, by a link's token or by an API key. The server keeps the key in a sealed cookie that no script can read; this page
 * forgets it. Throws SignInError, or TypeError when the server cannot be reached.
 */
export async function signIn(credentials: { readonly link: string } | { readonly api_key: string }): Promise<void> {
  const body = JSON.stringify(credentials);
  const answer = await fetch("/session", { method: "POST", headers: { "content-type": "application/json" }, body });
  if (!answer.ok) throw new SignInError(answer.status, answer.headers.get("x-request-id") ?? undefined);
}

export async function signOut(): Promise<void> {
  await fetch("/session", { method: "DELETE" });
}
