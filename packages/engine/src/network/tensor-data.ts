import { Tensor } from "onnxruntime-common";

/** Number types that networks take and give here. */
export type DataType = "float32" | "float16" | "int64" | "int32";

/** The nearest IEEE 754 half of a number, as bits; ties to even. */
export function toHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (Number.isNaN(size)) return 0x7e00;
  if (size >= 65520) return sign | 0x7c00;
  const exponent = Math.max(Math.floor(Math.log2(size)), -14);
  const unit = 2 ** (exponent - 10);
  const whole = Math.floor(size / unit);
  const rest = size / unit - whole;
  const rounded = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? whole + 1 : whole;
  // A subnormal has exponent field 0; a carry out of the mantissa moves into the exponent by itself.
  return sign | (rounded < 1024 ? rounded : (exponent + 14) * 1024 + rounded);
}

/** The number that the bits of an IEEE 754 half stand for. */
export function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}

/**
 * ONNX Runtime 1.30 stores halves as a Float16Array where there is one (Node 24), but its native part then sees an array
 * of length 0. It reads the bits rightly from a Uint16Array in the field that holds a tensor's data.
 */
function halfTensor(bits: Uint16Array, dims: readonly number[]): Tensor {
  return Object.defineProperty(new Tensor("float16", bits, dims), "cpuData", { value: bits });
}

/** A tensor of the type that a network asks for. */
export function makeTensor(type: DataType, values: ArrayLike<number>, dims: readonly number[]): Tensor {
  switch (type) {
    case "float32":
      return new Tensor("float32", values instanceof Float32Array ? values : Float32Array.from(values), dims);
    case "float16":
      return halfTensor(Uint16Array.from(values, toHalf), dims);
    case "int64":
      return new Tensor(
        "int64",
        BigInt64Array.from({ length: values.length }, (_, i) => BigInt(Math.round(values[i] ?? 0))),
        dims,
      );
    case "int32":
      return new Tensor("int32", Int32Array.from(values, Math.round), dims);
  }
}

/** The bits of a float16 tensor, whatever array it holds them in. */
function bitsOf(tensor: Tensor): Uint16Array {
  const { data } = tensor;
  if (!ArrayBuffer.isView(data)) throw new TypeError(`${tensor.type} is not a float type`);
  // Node 24 has a Float16Array here, which its lib types do not know; its bits are read the same way everywhere.
  return new Uint16Array(data.buffer, data.byteOffset, data.byteLength / 2);
}

/** Tensors of one type and shape behind each other, along their first dimension. */
export function joinRows(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors;
  if (!first) throw new RangeError("nothing to put together");
  const dims = [tensors.reduce((rows, tensor) => rows + (tensor.dims[0] ?? 0), 0), ...first.dims.slice(1)];
  switch (first.type) {
    case "float16":
      return halfTensor(
        joined(tensors.map(bitsOf), (length) => new Uint16Array(length)),
        dims,
      );
    case "float32":
      return new Tensor(
        "float32",
        joined(tensors.map(floatsOf), (length) => new Float32Array(length)),
        dims,
      );
    case "int32":
      return new Tensor(
        "int32",
        joined(tensors.map(int32Of), (length) => new Int32Array(length)),
        dims,
      );
    case "int64":
      return new Tensor(
        "int64",
        joined(tensors.map(int64Of), (length) => new BigInt64Array(length)),
        dims,
      );
    default:
      throw new TypeError(`${first.type} is not supported`);
  }
}

function joined<T extends { set(values: T, at: number): void; readonly length: number }>(
  parts: readonly T[],
  create: (length: number) => T,
): T {
  const whole = create(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function int32Of({ data, type }: Tensor): Int32Array {
  if (!(data instanceof Int32Array)) throw new TypeError(`${type} is not int32`);
  return data;
}

function int64Of({ data, type }: Tensor): BigInt64Array {
  if (!(data instanceof BigInt64Array)) throw new TypeError(`${type} is not int64`);
  return data;
}

/** `count` rows of a float tensor from row `from` on, copied. */
export function sliceRows(tensor: Tensor, from: number, count: number): Tensor {
  const [rows = 0, ...rest] = tensor.dims;
  const row = rest.reduce((product, size) => product * size, 1);
  if (from + count > rows) throw new RangeError(`${rows} rows have none at ${from + count - 1}`);
  const dims = [count, ...rest];
  if (tensor.type === "float16") return halfTensor(bitsOf(tensor).slice(from * row, (from + count) * row), dims);
  return new Tensor("float32", floatsOf(tensor).slice(from * row, (from + count) * row), dims);
}

/** The numbers of a float tensor, copied. Throws TypeError on any other type. */
export function floatsOf(tensor: Tensor): Float32Array<ArrayBuffer> {
  const { data } = tensor;
  if (data instanceof Float32Array) return new Float32Array(data);
  if (tensor.type !== "float16") throw new TypeError(`${tensor.type} is not a float type`);
  return Float32Array.from(bitsOf(tensor), fromHalf);
}
