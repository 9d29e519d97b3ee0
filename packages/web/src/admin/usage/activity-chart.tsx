import type { ReactNode } from "react";
import { useTexts } from "../../shared/i18n/language.tsx";
import type { ActivityPoint } from "../admin-api.ts";
import { useFormat } from "../format.ts";
import { RANGES, type Range, stepOf } from "../queries.ts";
import { figureTexts } from "../texts.ts";
import styles from "./activity-chart.module.css";

const OUTCOMES = ["succeeded", "refused", "left", "failed"] as const;
const HOUR_MS = 3_600_000;
const WIDTH = 720;
const HEIGHT = 180;
const LABELS_LEFT = 44;
const LABELS_BELOW = 22;

/** A round number at or above the highest value: 1, 2 or 5 times a power of ten. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return (([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power) | 0 || 1;
}

/** Every stretch of the range, also those without a request. */
function stretches(
  points: readonly ActivityPoint[],
  range: Range,
): readonly { start: number; point: ActivityPoint | undefined }[] {
  const step = stepOf(range);
  const count = (RANGES[range] * HOUR_MS) / step;
  const last = Math.floor(Date.now() / step) * step;
  const known = new Map(points.map((point) => [point.start, point]));
  return Array.from({ length: count }, (_, i) => {
    const start = last - (count - 1 - i) * step;
    return { start, point: known.get(start) };
  });
}

/** Requests over time, stacked by how they ended. The same figures stand in the table below it. */
export function ActivityChart({ points, range }: { readonly points: readonly ActivityPoint[]; readonly range: Range }) {
  const t = useTexts(figureTexts);
  const format = useFormat();
  const all = stretches(points, range);
  const top = roundAbove(Math.max(1, ...points.map(({ requests }) => requests)));
  const [plotWidth, plotHeight] = [WIDTH - LABELS_LEFT, HEIGHT - LABELS_BELOW - 8];
  const slot = plotWidth / all.length;
  const y = (value: number) => 8 + plotHeight - (value / top) * plotHeight;
  const labelled = all.filter((_, i) => i % Math.ceil(all.length / 6) === 0);

  const bar = ({ start, point }: (typeof all)[number], i: number): ReactNode => {
    if (!point) return null;
    let below = 0;
    const x = LABELS_LEFT + i * slot + slot * 0.12;
    return (
      <g key={start}>
        <title>{`${format.time(start)}: ${OUTCOMES.map((name) => `${t[name]} ${format.whole(point[name])}`).join(", ")}`}</title>
        {OUTCOMES.map((name) => {
          const value = point[name];
          if (value === 0) return null;
          const from = below;
          below += value;
          return (
            <rect
              key={name}
              className={styles[name]}
              x={x}
              y={y(below)}
              width={Math.max(1, slot * 0.76)}
              height={Math.max(1, y(from) - y(below))}
            />
          );
        })}
      </g>
    );
  };

  return (
    <figure className={styles.figure}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={t.chart}>
        {[0, top / 2, top].map((value) => (
          <g key={value}>
            <line className={styles.line} x1={LABELS_LEFT} x2={WIDTH} y1={y(value)} y2={y(value)} />
            {Number.isInteger(value) && (
              <text className={styles.label} x={LABELS_LEFT - 8} y={y(value) + 4} textAnchor="end">
                {format.round(value)}
              </text>
            )}
          </g>
        ))}
        {labelled.map(({ start }) => (
          <text
            key={start}
            className={styles.label}
            x={LABELS_LEFT + (all.findIndex((one) => one.start === start) + 0.5) * slot}
            y={HEIGHT - 4}
            textAnchor="middle"
          >
            {format.moment(start, range === "day")}
          </text>
        ))}
        {all.map(bar)}
      </svg>
      <figcaption className={styles.legend}>
        {OUTCOMES.map((name) => (
          <span key={name} className={styles.entry}>
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect className={styles[name]} width="10" height="10" rx="2" />
            </svg>
            {t[name]}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}
