/** An RGB picture, 8 bits a channel, rows from the top, no padding. */
export interface Pixels {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly width: number;
  readonly height: number;
}

/** Turns a decoder's [3, height, width] in −1 … 1 into pixels; values outside are clamped. */
export function toPixels(planes: Float32Array, width: number, height: number): Pixels {
  const area = width * height;
  if (planes.length !== 3 * area) throw new RangeError(`${planes.length} values are no picture of ${width}x${height}`);
  const data = new Uint8ClampedArray(3 * area);
  for (let i = 0; i < area; i++) {
    data[3 * i] = 127.5 * ((planes[i] ?? 0) + 1);
    data[3 * i + 1] = 127.5 * ((planes[i + area] ?? 0) + 1);
    data[3 * i + 2] = 127.5 * ((planes[i + 2 * area] ?? 0) + 1);
  }
  return { data: new Uint8Array(data.buffer), width, height };
}

/** Turns rows of RGB pixels into an encoder's [3, height, width] in −1 … 1. */
export function toPlanes(data: Uint8Array): Float32Array<ArrayBuffer> {
  const area = data.length / 3;
  const planes = new Float32Array(data.length);
  for (let i = 0; i < area; i++) {
    for (let channel = 0; channel < 3; channel++) planes[channel * area + i] = (data[3 * i + channel] ?? 0) / 127.5 - 1;
  }
  return planes;
}
