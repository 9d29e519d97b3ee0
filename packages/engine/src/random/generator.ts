/** Draws standard normals, one call after the other, from one stream: the same seed and the same calls give the same numbers. */
export interface Generator {
  /** `count` normals, rounded to float32. */
  normals(count: number): Float32Array<ArrayBuffer>;
}
