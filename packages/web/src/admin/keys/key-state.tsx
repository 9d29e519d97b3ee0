import { useTexts } from "../../shared/i18n/language.tsx";
import type { Key } from "../admin-api.ts";
import { Badge } from "../parts/badge.tsx";
import { keyTexts } from "../texts.ts";

/** Whether a key opens anything now. */
export function KeyState({ item: { revoked_at, disabled_at, expires_at } }: { readonly item: Key }) {
  const t = useTexts(keyTexts);
  if (revoked_at !== null) return <Badge kind="calm">{t.revoked}</Badge>;
  if (disabled_at !== null) return <Badge kind="warn">{t.disabled}</Badge>;
  if (expires_at !== null && expires_at <= Date.now()) return <Badge kind="calm">{t.expired}</Badge>;
  return <Badge kind="good">{t.active}</Badge>;
}
