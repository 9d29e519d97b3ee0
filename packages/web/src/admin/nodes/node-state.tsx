import { useTexts } from "../../shared/i18n/language.tsx";
import type { Node } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { Badge } from "../parts/badge.tsx";
import { nodeTexts } from "../texts.ts";
import styles from "./nodes-view.module.css";

/** In one word how a node is, and why. */
export function NodeState({ node }: { readonly node: Node }) {
  const t = useTexts(nodeTexts);
  const format = useFormat();
  const [kind, word, why] = ((): [Parameters<typeof Badge>[0]["kind"], string, string | null] => {
    if (node.draining) return ["warn", t.draining, null];
    if (node.leaving) return ["warn", t.leaving, null];
    if (!node.ready) return ["bad", node.url === null ? t.expected : t.away, node.reason];
    if (node.circuit === "open")
      return ["bad", t.open, node.opens_in_ms === null ? null : t.opensIn(format.duration(node.opens_in_ms))];
    if (node.circuit === "trial") return ["warn", t.trial, null];
    if (node.opens_in_ms !== null) return ["warn", t.paused, t.opensIn(format.duration(node.opens_in_ms))];
    return ["good", t.ready, null];
  })();
  return (
    <div className={styles.state}>
      <Badge kind={kind}>{word}</Badge>
      {why !== null && <span className={styles.small}>{why}</span>}
    </div>
  );
}
