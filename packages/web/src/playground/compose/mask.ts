/** A point of the picture, in its pixels. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Stroke {
  readonly tool: "brush" | "eraser";
  /** Diameter, in pixels of the picture. */
  readonly width: number;
  readonly points: readonly Point[];
}

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Adds a stroke to what is painted; the eraser takes paint away. */
export function paintStroke(context: Context, { tool, width, points }: Stroke, colour: string): void {
  const [first, ...rest] = points;
  if (!first) return;
  context.save();
  context.globalCompositeOperation = tool === "brush" ? "source-over" : "destination-out";
  context.lineWidth = width;
  context.lineCap = "round";
  context.lineJoin = "round";
  context.strokeStyle = colour;
  context.beginPath();
  context.moveTo(first.x, first.y);
  // Lines of no length are not drawn, so a single point gets a short one.
  for (const { x, y } of rest.length > 0 ? rest : [{ x: first.x + 0.01, y: first.y }]) context.lineTo(x, y);
  context.stroke();
  context.restore();
}

/** Whether anything is left of what was painted. */
function isBlank(context: Context, width: number, height: number): boolean {
  const { data } = context.getImageData(0, 0, width, height);
  for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 0) > 0) return false;
  return true;
}

/** The mask that the API wants: transparent where it was painted, opaque elsewhere. Undefined when nothing is painted. */
export async function maskOf(strokes: readonly Stroke[], width: number, height: number): Promise<Blob | undefined> {
  const painted = new OffscreenCanvas(width, height);
  const paint = painted.getContext("2d", { willReadFrequently: true });
  const mask = new OffscreenCanvas(width, height);
  const context = mask.getContext("2d");
  if (!paint || !context) return undefined;
  for (const stroke of strokes) paintStroke(paint, stroke, "#000");
  if (isBlank(paint, width, height)) return undefined;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(painted, 0, 0);
  return mask.convertToBlob({ type: "image/png" });
}
