import { Brush, Eraser, Trash2, Undo2 } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { IconButton } from "../../shared/components/button.tsx";
import { Segmented, Slider } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { useObjectUrl } from "../../shared/object-url.ts";
import type { Source } from "../draft.ts";
import { sourceTexts } from "../texts.ts";
import { maskOf, type Point, paintStroke, type Stroke } from "./mask.ts";
import styles from "./mask-editor.module.css";

/** Brush diameters, in hundredths of the picture's shorter side. */
const MIN_BRUSH = 2;
const MAX_BRUSH = 60;
/** Half seen through, by the canvas's own opacity. */
const PAINT = "#e2452a";
const ARROWS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** Paints on a picture what is to be drawn anew, with a pointer or with the keyboard. */
export function MaskEditor({
  source,
  onMask,
}: {
  readonly source: Source;
  readonly onMask: (mask: Blob | undefined) => void;
}) {
  const t = useTexts(sourceTexts);
  const { image, width, height } = source;
  const url = useObjectUrl(image);
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawn = useRef<Point[] | undefined>(undefined);
  const [tool, setTool] = useState<Stroke["tool"]>("brush");
  const [brush, setBrush] = useState(20);
  const [strokes, setStrokes] = useState<readonly Stroke[]>([]);
  const [cursor, setCursor] = useState<Point>({ x: width / 2, y: height / 2 });
  const diameter = (brush / 100) * Math.min(width, height);

  // Another picture begins with a clean mask.
  useEffect(() => {
    setStrokes([]);
    setCursor({ x: width / 2, y: height / 2 });
  }, [image, width, height]);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    context.clearRect(0, 0, width, height);
    for (const stroke of strokes) paintStroke(context, stroke, PAINT);
  }, [strokes, width, height]);

  function commit(next: readonly Stroke[]): void {
    setStrokes(next);
    void maskOf(next, width, height).then(onMask);
  }
  function pointOf(event: PointerEvent): Point {
    const box = event.currentTarget.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * width,
      y: ((event.clientY - box.top) / box.height) * height,
    };
  }
  function begin(event: PointerEvent): void {
    if (event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    drawn.current = [];
    move(event);
  }
  function move(event: PointerEvent): void {
    const point = pointOf(event);
    setCursor(point);
    const points = drawn.current;
    const context = canvas.current?.getContext("2d");
    if (!points || !context) return;
    const last = points.at(-1) ?? point;
    points.push(point);
    paintStroke(context, { tool, width: diameter, points: [last, point] }, PAINT);
  }
  function end(): void {
    const points = drawn.current;
    drawn.current = undefined;
    if (points && points.length > 0) commit([...strokes, { tool, width: diameter, points }]);
  }
  function press(event: KeyboardEvent): void {
    const arrow = ARROWS[event.key];
    if (!arrow && event.key !== " ") return;
    event.preventDefault();
    const step = event.shiftKey ? 2 : diameter / 2;
    const within = (value: number, max: number) => Math.min(Math.max(value, 0), max);
    if (!arrow) commit([...strokes, { tool, width: diameter, points: [cursor] }]);
    else setCursor(({ x, y }) => ({ x: within(x + arrow.x * step, width), y: within(y + arrow.y * step, height) }));
  }

  return (
    <div className={styles.editor}>
      <div className={styles.canvas} style={{ aspectRatio: `${width} / ${height}` }}>
        {url && <img src={url} alt="" />}
        <canvas
          ref={canvas}
          width={width}
          height={height}
          tabIndex={0}
          role="img"
          aria-label={t.canvas}
          onPointerDown={begin}
          onPointerMove={move}
          onPointerUp={end}
          onPointerCancel={end}
          onKeyDown={press}
        />
        <span
          className={styles.cursor}
          style={{
            left: `${(cursor.x / width) * 100}%`,
            top: `${(cursor.y / height) * 100}%`,
            width: `${(diameter / width) * 100}%`,
          }}
        />
      </div>
      <p className={styles.help}>{t.paintHelp}</p>
      <div className={styles.tools}>
        <Segmented
          label={t.tool}
          hideLabel
          value={tool}
          onValue={setTool}
          options={[
            { value: "brush", label: <Tool icon={<Brush aria-hidden />} name={t.brush} /> },
            { value: "eraser", label: <Tool icon={<Eraser aria-hidden />} name={t.eraser} /> },
          ]}
        />
        <IconButton label={t.undo} disabled={strokes.length === 0} onClick={() => commit(strokes.slice(0, -1))}>
          <Undo2 />
        </IconButton>
        <IconButton label={t.clear} disabled={strokes.length === 0} onClick={() => commit([])}>
          <Trash2 />
        </IconButton>
      </div>
      <Slider label={t.brushSize} value={brush} min={MIN_BRUSH} max={MAX_BRUSH} onValue={setBrush} />
    </div>
  );
}

function Tool({ icon, name }: { readonly icon: React.ReactNode; readonly name: string }) {
  return (
    <>
      {icon}
      {name}
    </>
  );
}
