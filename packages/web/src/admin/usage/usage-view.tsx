import { useMutation, useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { Segmented } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import type { ActivityPoint } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { Defined, Stat, Stats } from "../parts/stat.tsx";
import { Table } from "../parts/table.tsx";
import { Failure, Loaded, Panel, ViewHead } from "../parts/view.tsx";
import { activityQuery, type Group, type Range } from "../queries.ts";
import { figureTexts, usageTexts } from "../texts.ts";
import { useNames } from "../use-names.ts";
import { ActivityChart } from "./activity-chart.tsx";
import { downloadActivity } from "./download-activity.ts";
import { totalOf } from "./total.ts";

/** The points of each group, the busiest group first. */
function byGroup(points: readonly ActivityPoint[]) {
  const groups = Map.groupBy(points, ({ group }) => group);
  return [...groups]
    .map(([group, own]) => ({ group, ...totalOf(own) }))
    .sort((a, b) => b.requests - a.requests || (a.group < b.group ? -1 : 1));
}

/** What was asked for, by whom, how it ended and how long it took. */
export function UsageView() {
  const t = useTexts(usageTexts);
  const f = useTexts(figureTexts);
  const format = useFormat();
  const names = useNames();
  const [range, setRange] = useState<Range>("day");
  const [group, setGroup] = useState<Exclude<Group, "none">>("model");
  const time = useQuery(activityQuery(range, "none"));
  const grouped = useQuery(activityQuery(range, group));
  const download = useMutation({ mutationFn: () => downloadActivity(range, group) });
  const nameOf = { account: names.account, key: names.key, model: (id: string) => id }[group];
  const ranges = (["day", "week", "month", "year"] as const).map((value) => ({ value, label: t[value] }));
  const groups = (["model", "account", "key"] as const).map((value) => ({ value, label: t[value] }));
  const ms = (value: number | null) => (value === null ? "–" : format.duration(value));

  return (
    <>
      <ViewHead title={t.title}>
        <Segmented label={t.range} hideLabel value={range} options={ranges} onValue={setRange} />
        <Button onClick={() => download.mutate()} disabled={download.isPending}>
          <Download aria-hidden />
          CSV
        </Button>
      </ViewHead>
      {download.error && <Failure error={download.error} />}
      <Loaded query={time}>
        {(points) => {
          const total = totalOf(points);
          return (
            <>
              <Stats>
                <Stat name={f.requests} value={format.whole(total.requests)} means={f.requestsMeans} />
                <Stat name={f.images} value={format.whole(total.images)} means={f.imagesMeans} />
                <Stat name={f.units} value={format.round(total.units)} means={f.unitsMeans} />
                <Stat name={f.refused} value={format.share(total.refused, total.requests)} means={f.refusedMeans} />
                <Stat
                  name={f.failed}
                  value={format.share(total.failed, total.requests)}
                  means={f.failedMeans}
                  kind={total.failed > 0 ? "bad" : undefined}
                />
              </Stats>
              <Panel title={t.overTime}>
                <ActivityChart points={points} range={range} />
                <details>
                  <summary>{t.asTable}</summary>
                  <Table
                    label={t.overTime}
                    rows={[...points].reverse()}
                    idOf={({ start }) => String(start)}
                    empty={t.none}
                    columns={[
                      { name: t.from, cell: ({ start }) => format.time(start) },
                      { name: f.requests, cell: (point) => format.whole(point.requests), figures: true },
                      { name: f.images, cell: (point) => format.whole(point.images), figures: true },
                      { name: f.failed, cell: (point) => format.whole(point.failed), figures: true },
                      { name: "p50", cell: (point) => ms(point.p50_ms), figures: true },
                      { name: "p95", cell: (point) => ms(point.p95_ms), figures: true },
                      { name: "p99", cell: (point) => ms(point.p99_ms), figures: true },
                    ]}
                  />
                </details>
                <p>
                  <Defined name={f.latency} means={f.latencyMeans} />
                </p>
              </Panel>
            </>
          );
        }}
      </Loaded>
      <Panel title={t.byWhom}>
        <Segmented label={t.by} hideLabel value={group} options={groups} onValue={setGroup} />
        <Loaded query={grouped}>
          {(points) => (
            <Table
              label={t.byWhom}
              rows={byGroup(points)}
              idOf={(row) => row.group}
              empty={t.none}
              columns={[
                { name: t[group], cell: (row) => nameOf(row.group) },
                { name: f.requests, cell: (row) => format.whole(row.requests), figures: true },
                { name: f.images, cell: (row) => format.whole(row.images), figures: true },
                { name: f.units, cell: (row) => format.whole(row.units), figures: true },
                { name: f.refused, cell: (row) => format.whole(row.refused), figures: true },
                { name: f.failed, cell: (row) => format.whole(row.failed), figures: true },
              ]}
            />
          )}
        </Loaded>
      </Panel>
    </>
  );
}
