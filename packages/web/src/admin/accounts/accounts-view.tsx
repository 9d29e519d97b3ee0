import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { TextField } from "../../shared/components/field.tsx";
import { useToast } from "../../shared/components/toasts.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { type Account, change } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { FormDialog } from "../parts/form-dialog.tsx";
import { Defined } from "../parts/stat.tsx";
import { Table } from "../parts/table.tsx";
import { Loaded, ViewHead } from "../parts/view.tsx";
import { accountsQuery, PAGE } from "../queries.ts";
import { accountTexts, shellTexts } from "../texts.ts";
import { GrantUnits } from "./grant-units.tsx";

/** Who pays, and what is left. */
export function AccountsView() {
  const t = useTexts(accountTexts);
  const s = useTexts(shellTexts);
  const format = useFormat();
  const toast = useToast();
  const queries = useQueryClient();
  const accounts = useQuery(accountsQuery);
  const refresh = () => queries.invalidateQueries({ queryKey: accountsQuery.queryKey });
  const [name, setName] = useState<string>();
  const [granting, setGranting] = useState<Account>();
  return (
    <>
      <ViewHead title={t.title}>
        <Button variant="primary" onClick={() => setName("")}>
          <Plus aria-hidden />
          {t.create}
        </Button>
      </ViewHead>
      <Loaded query={accounts}>
        {(data) => (
          <>
            <Table
              label={t.title}
              rows={data}
              idOf={({ id }) => id}
              empty={t.none}
              columns={[
                { name: t.name, cell: (account) => account.name },
                { name: t.available, cell: (account) => format.whole(account.available), figures: true },
                { name: t.pending, cell: (account) => format.whole(account.pending), figures: true },
                { name: t.posted, cell: (account) => format.whole(account.posted), figures: true },
                { name: t.created, cell: (account) => format.time(account.created_at) },
                { name: t.actions, cell: (account) => <Button onClick={() => setGranting(account)}>{t.grant}</Button> },
              ]}
            />
            <p>
              <Defined name={t.available} means={t.availableMeans} />{" "}
              <Defined name={t.pending} means={t.pendingMeans} /> <Defined name={t.posted} means={t.postedMeans} />
            </p>
            {data.length === PAGE && <p>{s.firstOnly(PAGE)}</p>}
          </>
        )}
      </Loaded>
      {name !== undefined && (
        <FormDialog
          title={t.create}
          action={t.create}
          onSubmit={() => change("POST", "/accounts", { name }).then(refresh)}
          onClose={() => setName(undefined)}
        >
          <TextField label={t.name} required value={name} onChange={(event) => setName(event.currentTarget.value)} />
        </FormDialog>
      )}
      {granting && (
        <GrantUnits
          account={granting}
          onGranted={(already) => {
            toast({ text: already ? t.grantedBefore : t.granted });
            void refresh();
          }}
          onClose={() => setGranting(undefined)}
        />
      )}
    </>
  );
}
