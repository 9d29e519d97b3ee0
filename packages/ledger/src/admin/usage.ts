import type { UsageFilter, UsageRow } from "../ledger.ts";
import { usageFrom } from "../sql/decode.ts";
import { query, type Script } from "../sql/script.ts";

const SELECT = `
  SELECT day, account_id, key_id, model, requests, images, units FROM usage_days
  WHERE day BETWEEN $1 AND $2
    AND ($3 = '' OR account_id = $3) AND ($4 = '' OR key_id = $4) AND ($5 = '' OR model = $5)
  ORDER BY day, account_id, key_id, model`;

export function* usage(filter: UsageFilter): Script<UsageRow[]> {
  const { from, to, accountId = "", keyId = "", model = "" } = filter;
  return (yield query(SELECT, from, to, accountId, keyId, model)).map(usageFrom);
}
