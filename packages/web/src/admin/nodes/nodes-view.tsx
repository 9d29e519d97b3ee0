import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { change, type Node } from "../admin-api.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { Stat, Stats } from "../parts/stat.tsx";
import { Table } from "../parts/table.tsx";
import { Failure, Loaded, ViewHead } from "../parts/view.tsx";
import { nodesQuery } from "../queries.ts";
import { nodeTexts, overviewTexts } from "../texts.ts";
import { AddNode } from "./add-node.tsx";
import { NodeState } from "./node-state.tsx";
import styles from "./nodes-view.module.css";

/** The nodes as this gateway sees them. */
export function NodesView() {
  const t = useTexts(nodeTexts);
  const o = useTexts(overviewTexts);
  const queries = useQueryClient();
  const nodes = useQuery(nodesQuery);
  const refresh = () => queries.invalidateQueries({ queryKey: nodesQuery.queryKey });
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Node>();
  const drain = useMutation({
    mutationFn: ({ name, draining }: Node) =>
      change("POST", `/nodes/${encodeURIComponent(name)}/${draining ? "resume" : "drain"}`),
    onSettled: refresh,
  });
  return (
    <>
      <ViewHead title={t.title}>
        <Button variant="primary" onClick={() => setAdding(true)}>
          <Plus aria-hidden />
          {t.add}
        </Button>
      </ViewHead>
      {drain.error && <Failure error={drain.error} />}
      <Loaded query={nodes}>
        {({ data, waiting }) => (
          <>
            <Stats>
              <Stat name={o.waiting} value={waiting} means={o.waitingMeans} />
            </Stats>
            <Table
              label={t.title}
              rows={data}
              idOf={(node) => node.name}
              empty={t.none}
              columns={[
                {
                  name: t.name,
                  cell: (node) => (
                    <>
                      <strong>{node.name}</strong>
                      <div className={styles.small}>{node.url}</div>
                    </>
                  ),
                },
                { name: t.state, cell: (node) => <NodeState node={node} /> },
                { name: t.load, cell: (node) => `${node.in_flight} / ${node.max_concurrent ?? "–"}`, figures: true },
                { name: t.models, cell: (node) => node.models.join(", ") },
                {
                  name: t.kind,
                  cell: (node) => `${node.dialect ?? "–"} · ${node.source === "ledger" ? t.shared : t.configured}`,
                },
                {
                  name: t.actions,
                  cell: (node) => (
                    <div className={styles.actions}>
                      <Button onClick={() => drain.mutate(node)}>{node.draining ? t.resume : t.drain}</Button>
                      {node.source === "ledger" && (
                        <Button variant="danger" onClick={() => setRemoving(node)}>
                          {t.remove}
                        </Button>
                      )}
                    </div>
                  ),
                },
              ]}
            />
          </>
        )}
      </Loaded>
      {adding && <AddNode onAdded={refresh} onClose={() => setAdding(false)} />}
      {removing && (
        <FormDialog
          title={t.removeNode(removing.name)}
          action={t.remove}
          danger
          onSubmit={() => change("DELETE", `/nodes/${encodeURIComponent(removing.name)}`).then(refresh)}
          onClose={() => setRemoving(undefined)}
        >
          <p>{t.removeHelp}</p>
        </FormDialog>
      )}
    </>
  );
}
