import { queryOptions } from "@tanstack/react-query";

/** What `GET /v1/account` answers, as far as it is shown. */
export interface Account {
  readonly id: string;
  /** Compute units that can be used now. */
  readonly available: number;
  readonly key: { readonly name: string; readonly last_four: string };
}

/** Whose pictures are made here; null while nobody is signed in. Rejects when the server cannot be reached or is unwell. */
async function fetchAccount({ signal }: { readonly signal: AbortSignal }): Promise<Account | null> {
  const answer = await fetch("/v1/account", { signal });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(`GET /v1/account: ${answer.status}`);
  return (await answer.json()) as Account; // as openapi.json says
}

export const accountQuery = queryOptions({ queryKey: ["account"], queryFn: fetchAccount });
