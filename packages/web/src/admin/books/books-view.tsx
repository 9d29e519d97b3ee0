import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Segmented } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import type { AuditEntry, Hold } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { Badge } from "../parts/badge.tsx";
import { Table } from "../parts/table.tsx";
import { Loaded, Panel, ViewHead } from "../parts/view.tsx";
import { auditQuery, holdsQuery } from "../queries.ts";
import { bookTexts } from "../texts.ts";
import { useNames } from "../use-names.ts";
import styles from "./books-view.module.css";
import { Verify } from "./verify.tsx";

const KINDS = { held: "warn", posted: "good", voided: "calm", expired: "bad" } as const;

function Holds() {
  const t = useTexts(bookTexts);
  const format = useFormat();
  const names = useNames();
  const [state, setState] = useState("");
  const holds = useQuery(holdsQuery(state));
  const states = [
    { value: "", label: t.all },
    ...(["held", "posted", "voided", "expired"] as const).map((value) => ({ value, label: t[value] })),
  ];
  return (
    <Panel title={t.holds}>
      <p>{t.holdsHelp}</p>
      <Segmented label={t.state} hideLabel value={state} options={states} onValue={setState} />
      <Loaded query={holds}>
        {(data) => (
          <Table<Hold>
            label={t.holds}
            rows={data}
            idOf={({ id }) => id}
            empty={t.none}
            columns={[
              { name: t.at, cell: (hold) => <span className={styles.line}>{format.time(hold.created_at)}</span> },
              { name: t.state, cell: (hold) => <Badge kind={KINDS[hold.state]}>{t[hold.state]}</Badge> },
              { name: t.who, cell: (hold) => `${names.account(hold.account_id)} · ${names.key(hold.key_id)}` },
              { name: t.model, cell: (hold) => hold.model },
              { name: t.units, cell: (hold) => format.whole(hold.units), figures: true },
              { name: t.charged, cell: (hold) => format.whole(hold.posted_units), figures: true },
              { name: t.request, cell: (hold) => <code>{hold.request_id}</code> },
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

function Audit() {
  const t = useTexts(bookTexts);
  const format = useFormat();
  const audit = useQuery(auditQuery);
  return (
    <Panel title={t.audit}>
      <Loaded query={audit}>
        {(data) => (
          <Table<AuditEntry>
            label={t.audit}
            rows={data}
            idOf={({ seq }) => String(seq)}
            empty={t.none}
            columns={[
              { name: t.at, cell: (entry) => <span className={styles.line}>{format.time(entry.at)}</span> },
              { name: t.actor, cell: (entry) => <span className={styles.line}>{entry.actor}</span> },
              { name: t.action, cell: (entry) => <code>{entry.action}</code> },
              { name: t.subject, cell: (entry) => <code>{entry.subject}</code> },
              {
                name: t.details,
                cell: (entry) => <code className={styles.details}>{JSON.stringify(entry.details)}</code>,
              },
            ]}
          />
        )}
      </Loaded>
    </Panel>
  );
}

/** What was held, charged and given back, and who changed what. */
export function BooksView() {
  const t = useTexts(bookTexts);
  return (
    <>
      <ViewHead title={t.title} />
      <Verify />
      <Holds />
      <Audit />
    </>
  );
}
