import { useQuery } from "@tanstack/react-query";
import { accountsQuery, keysQuery } from "./queries.ts";

/** What people call accounts and keys; an id where the lists do not reach that far. */
export interface Names {
  account(id: string): string;
  key(id: string): string;
}

export function useNames(): Names {
  const accounts = useQuery(accountsQuery).data;
  const keys = useQuery(keysQuery).data;
  return {
    account: (id) => accounts?.find((account) => account.id === id)?.name ?? id,
    key: (id) => keys?.find((key) => key.id === id)?.name ?? id,
  };
}
