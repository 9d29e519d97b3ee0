import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { Notice } from "../../shared/components/notice.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { useFormat } from "../format.ts";
import { NodeState } from "../nodes/node-state.tsx";
import { Stat, Stats } from "../parts/stat.tsx";
import { Table } from "../parts/table.tsx";
import { Loaded, Panel, ViewHead } from "../parts/view.tsx";
import { activityQuery, healthQuery, nodesQuery, requestsQuery } from "../queries.ts";
import { figureTexts, nodeTexts, overviewTexts } from "../texts.ts";
import { ActivityChart } from "../usage/activity-chart.tsx";
import { totalOf } from "../usage/total.ts";

function Today() {
  const t = useTexts(figureTexts);
  const o = useTexts(overviewTexts);
  const format = useFormat();
  const activity = useQuery(activityQuery("day", "none"));
  return (
    <Panel title={o.lastDay}>
      <Loaded query={activity}>
        {(points) => {
          const total = totalOf(points);
          return (
            <>
              <Stats>
                <Stat name={t.requests} value={format.whole(total.requests)} means={t.requestsMeans} />
                <Stat name={t.images} value={format.whole(total.images)} means={t.imagesMeans} />
                <Stat name={t.units} value={format.round(total.units)} means={t.unitsMeans} />
                <Stat
                  name={t.failed}
                  value={format.share(total.failed, total.requests)}
                  means={t.failedMeans}
                  kind={total.failed > 0 ? "bad" : undefined}
                />
              </Stats>
              <ActivityChart points={points} range="day" />
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}

/** All that an operator has to know first. */
export function OverviewView() {
  const t = useTexts(overviewTexts);
  const n = useTexts(nodeTexts);
  const health = useQuery(healthQuery);
  const nodes = useQuery(nodesQuery);
  const requests = useQuery(requestsQuery);
  const format = useFormat();
  return (
    <>
      <ViewHead title={t.title} />
      {health.data !== undefined && health.data !== 200 && (
        <Notice kind="bad" title={t.unwell}>
          <p>{t.unwellHelp}</p>
        </Notice>
      )}
      <Loaded query={nodes}>
        {({ data, waiting }) => {
          const ready = data.filter((node) => node.ready && !node.draining && node.circuit === "closed").length;
          return (
            <>
              <Stats>
                <Stat
                  name={t.nodesReady}
                  value={`${format.whole(ready)} / ${format.whole(data.length)}`}
                  means={t.nodesReadyMeans}
                  kind={ready === 0 ? "bad" : undefined}
                />
                <Stat name={t.atWork} value={format.whole(requests.data?.length ?? 0)} means={t.atWorkMeans} />
                <Stat name={t.waiting} value={format.whole(waiting)} means={t.waitingMeans} />
              </Stats>
              <Panel title={<Link href="/nodes">{n.title}</Link>}>
                <Table
                  label={n.title}
                  rows={data}
                  idOf={(node) => node.name}
                  empty={n.none}
                  columns={[
                    { name: n.name, cell: (node) => node.name },
                    { name: n.state, cell: (node) => <NodeState node={node} /> },
                    {
                      name: n.load,
                      cell: (node) => `${node.in_flight} / ${node.max_concurrent ?? "–"}`,
                      figures: true,
                    },
                  ]}
                />
              </Panel>
            </>
          );
        }}
      </Loaded>
      <Today />
    </>
  );
}
