import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { Check, Star } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useTexts } from "../../shared/i18n/language.tsx";
import { galleryTexts, stageTexts } from "../texts.ts";
import type { Picture } from "./picture.ts";
import styles from "./picture-grid.module.css";
import { Thumbnail } from "./thumbnail.tsx";

const GAP = 10;
const MIN_TILE = 150;
const MIN_COLUMNS = 2;
/** Rows made beyond what is seen. */
const OVERSCAN = 4;

interface PictureGridProps {
  readonly label: string;
  readonly pictures: readonly Picture[];
  /** Undefined: choosing opens a picture, and nothing is selected. */
  readonly selected: ReadonlySet<string> | undefined;
  readonly onChoose: (picture: Picture) => void;
}

/** How wide the grid is, and how far below the page's top. */
function usePlace() {
  const ref = useRef<HTMLUListElement>(null);
  const [place, setPlace] = useState({ width: 0, top: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => setPlace({ width: element.clientWidth, top: element.offsetTop });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return { ref, ...place };
}

/** Tiles in rows, of which only those near the window exist, so that thousands cost no more than a few. */
export function PictureGrid({ label, pictures, selected, onChoose }: PictureGridProps) {
  const t = useTexts(galleryTexts);
  const s = useTexts(stageTexts);
  const { ref, width, top } = usePlace();
  const columns = Math.max(MIN_COLUMNS, Math.floor((width + GAP) / (MIN_TILE + GAP)));
  const tile = (width - GAP * (columns - 1)) / columns;
  const rows = useWindowVirtualizer({
    count: width > 0 ? Math.ceil(pictures.length / columns) : 0,
    estimateSize: () => tile + GAP,
    overscan: OVERSCAN,
    scrollMargin: top,
  });
  // Rows have another height when the tiles have.
  useLayoutEffect(() => rows.measure(), [tile]);

  const shown = rows.getVirtualItems().flatMap((row) =>
    pictures.slice(row.index * columns, (row.index + 1) * columns).map((picture, column) => {
      const x = column * (tile + GAP);
      const y = row.start - rows.options.scrollMargin;
      return {
        picture,
        at: row.index * columns + column,
        place: { width: tile, transform: `translate(${x}px, ${y}px)` },
      };
    }),
  );
  return (
    <ul ref={ref} className={styles.grid} aria-label={label} style={{ height: rows.getTotalSize() }}>
      {shown.map(({ picture, at, place }) => (
        <li
          key={picture.id}
          className={styles.tile}
          style={place}
          aria-setsize={pictures.length}
          aria-posinset={at + 1}
        >
          <button
            type="button"
            aria-label={selected ? t.selectOne(picture.prompt) : s.open(picture.prompt)}
            {...(selected && { "aria-pressed": selected.has(picture.id) })}
            onClick={() => onChoose(picture)}
          >
            <Thumbnail id={picture.id} />
            {picture.favourite && <Star className={styles.star} aria-hidden fill="currentColor" />}
            {selected && (
              <span className={styles.check}>
                <Check aria-hidden />
              </span>
            )}
            <span className={styles.prompt} aria-hidden>
              {picture.prompt}
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}
