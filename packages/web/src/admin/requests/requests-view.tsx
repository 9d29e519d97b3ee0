import { useQuery } from "@tanstack/react-query";
import { useTexts } from "../../shared/i18n/language.tsx";
import { useFormat } from "../format.ts";
import { Badge } from "../parts/badge.tsx";
import { Table } from "../parts/table.tsx";
import { Loaded, ViewHead } from "../parts/view.tsx";
import { requestsQuery } from "../queries.ts";
import { requestTexts } from "../texts.ts";
import { useNames } from "../use-names.ts";

/** What this gateway is at now. */
export function RequestsView() {
  const t = useTexts(requestTexts);
  const format = useFormat();
  const names = useNames();
  const requests = useQuery(requestsQuery);
  return (
    <>
      <ViewHead title={t.title} />
      <p>{t.help}</p>
      <Loaded query={requests}>
        {(data) => (
          <Table
            label={t.title}
            rows={data}
            idOf={({ id }) => id}
            empty={t.none}
            columns={[
              { name: t.id, cell: (request) => <code>{request.id}</code> },
              { name: t.who, cell: (request) => `${names.account(request.account_id)} · ${names.key(request.key_id)}` },
              {
                name: t.what,
                cell: (request) => `${request.model} · ${request.images} × ${request.width}×${request.height}`,
              },
              {
                name: t.where,
                cell: (request) =>
                  request.node === null ? (
                    <Badge kind="warn">{t.waits}</Badge>
                  ) : (
                    <Badge kind="good">{request.node}</Badge>
                  ),
              },
              {
                name: t.steps,
                cell: ({ step, steps }) => (step === null || steps === null ? "–" : `${step} / ${steps}`),
                figures: true,
              },
              {
                name: t.since,
                cell: (request) => format.duration(Math.max(0, Date.now() - request.started_at)),
                figures: true,
              },
            ]}
          />
        )}
      </Loaded>
    </>
  );
}
