import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { change, type Key } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { Table } from "../parts/table.tsx";
import { Failure, Loaded, ViewHead } from "../parts/view.tsx";
import { accountsQuery, keysQuery, PAGE } from "../queries.ts";
import { keyTexts, shellTexts } from "../texts.ts";
import { useNames } from "../use-names.ts";
import { CreateKey } from "./create-key.tsx";
import { EditKey } from "./edit-key.tsx";
import { KeyState } from "./key-state.tsx";
import styles from "./keys-view.module.css";

type Doing = { readonly what: "edit" | "revoke"; readonly key: Key } | { readonly what: "create" };

/** The limits that a key has, in words. */
function useLimits(): (key: Key) => string {
  const t = useTexts(keyTexts);
  return ({ requests_per_minute, images_per_minute, concurrent_requests }) => {
    const limits = [
      requests_per_minute === null ? [] : t.requestsLimit(requests_per_minute),
      images_per_minute === null ? [] : t.imagesLimit(images_per_minute),
      concurrent_requests === null ? [] : t.concurrentLimit(concurrent_requests),
    ].flat();
    return limits.length === 0 ? t.noLimit : limits.join(", ");
  };
}

/** Who may ask, for what, how often. */
export function KeysView() {
  const t = useTexts(keyTexts);
  const s = useTexts(shellTexts);
  const format = useFormat();
  const names = useNames();
  const limitsOf = useLimits();
  const queries = useQueryClient();
  const keys = useQuery(keysQuery);
  const accounts = useQuery(accountsQuery);
  const [doing, setDoing] = useState<Doing>();
  const refresh = () => queries.invalidateQueries({ queryKey: keysQuery.queryKey });
  const done = () => setDoing(undefined);
  const toggle = useMutation({
    mutationFn: ({ id, disabled_at }: Key) =>
      change("POST", `/keys/${id}/${disabled_at === null ? "disable" : "enable"}`),
    onSettled: refresh,
  });
  const actions = (key: Key) =>
    key.revoked_at === null && (
      <div className={styles.actions}>
        <Button onClick={() => setDoing({ what: "edit", key })}>{t.edit}</Button>
        <Button onClick={() => toggle.mutate(key)}>{key.disabled_at === null ? t.disable : t.enable}</Button>
        <Button variant="danger" onClick={() => setDoing({ what: "revoke", key })}>
          {t.revoke}
        </Button>
      </div>
    );
  return (
    <>
      <ViewHead title={t.title}>
        <Button variant="primary" disabled={!accounts.data?.length} onClick={() => setDoing({ what: "create" })}>
          <Plus aria-hidden />
          {t.create}
        </Button>
      </ViewHead>
      {toggle.error && <Failure error={toggle.error} />}
      <Loaded query={keys}>
        {(data) => (
          <>
            <Table
              label={t.title}
              rows={data}
              idOf={({ id }) => id}
              empty={t.none}
              columns={[
                {
                  name: t.name,
                  cell: (key) => (
                    <>
                      <strong>{key.name}</strong>
                      <div className={styles.small}>
                        {names.account(key.account_id)} · …{key.last_four}
                      </div>
                    </>
                  ),
                },
                { name: t.state, cell: (key) => <KeyState item={key} /> },
                { name: t.models, cell: (key) => key.allowed_models?.join(", ") ?? t.all },
                { name: t.limits, cell: limitsOf },
                { name: t.lastUsed, cell: (key) => (key.last_used_at === null ? "–" : format.time(key.last_used_at)) },
                { name: t.actions, cell: actions },
              ]}
            />
            {data.length === PAGE && <p>{s.firstOnly(PAGE)}</p>}
          </>
        )}
      </Loaded>
      {doing?.what === "create" && <CreateKey accounts={accounts.data ?? []} onCreated={refresh} onClose={done} />}
      {doing?.what === "edit" && <EditKey item={doing.key} onChanged={refresh} onClose={done} />}
      {doing?.what === "revoke" && (
        <FormDialog
          title={t.revokeKey(doing.key.name)}
          action={t.revoke}
          danger
          onSubmit={() => change("POST", `/keys/${doing.key.id}/revoke`).then(refresh)}
          onClose={done}
        >
          <p>{t.revokeHelp}</p>
        </FormDialog>
      )}
    </>
  );
}
