/** How ONNX Runtime's providers, V8 and libvips say that memory did not suffice. */
const SAYINGS = [
  /out of memory/i,
  /failed to allocate/i,
  /bad_?alloc/i,
  /allocation (?:size|failed)/i,
  /CUDA(?:_ERROR_OUT_OF_MEMORY| error 2\b)/i,
  /cannot allocate memory/i,
];

/** Whether an error of a model process means that there was not enough memory, on the machine or on its GPU. */
export function isOutOfMemory(message: string): boolean {
  return SAYINGS.some((saying) => saying.test(message));
}
