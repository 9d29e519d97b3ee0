/** Writes small ONNX files: just enough of protobuf and of onnx.proto3 for the networks of these tests. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

type Field = readonly [number: number, value: number | string | Uint8Array | Float32Array];

const ELEMENT = { float32: 1, int64: 7, float16: 10 } as const;
export type Element = keyof typeof ELEMENT;

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return bytes;
}

/** A protobuf message: numbers as varints, everything else length-delimited. */
function message(...fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(([number, value]) => {
    if (typeof value === "number") return [Uint8Array.from([...varint(number * 8), ...varint(value)])];
    const bytes =
      typeof value === "string" ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return [Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes];
  });
  return Buffer.concat(parts);
}

export interface Port {
  readonly name: string;
  readonly type: Element;
  readonly shape: readonly (number | string)[];
}

function valueInfo({ name, type, shape }: Port): Uint8Array {
  const dims = shape.map((d): Field => [1, typeof d === "number" ? message([1, d]) : message([2, d])]);
  return message([1, name], [2, message([1, message([1, ELEMENT[type]], [2, message(...dims)])])]);
}

export interface Constant {
  readonly name: string;
  readonly type: Element;
  readonly dims: readonly number[];
  /** Little-endian, as in memory. */
  readonly data: Uint8Array | Float32Array | Uint16Array | BigInt64Array;
}

function tensor({ name, type, dims, data }: Constant): Uint8Array {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(...dims.map((d): Field => [1, d]), [2, ELEMENT[type]], [8, name], [9, raw]);
}

export interface Operation {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Whole numbers, or lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

function node({ op, inputs, output, attributes = {} }: Operation): Uint8Array {
  const described = Object.entries(attributes).map(([name, value]): Field => {
    if (typeof value === "number") return [5, message([1, name], [3, value], [20, 2])];
    return [5, message([1, name], ...value.map((v): Field => [8, v]), [20, 7])];
  });
  return message(...inputs.map((name): Field => [1, name]), [2, output], [4, op], ...described);
}

export interface Graph {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly constants: readonly Constant[];
  readonly operations: readonly Operation[];
}

/** Writes the graph as an ONNX file of opset 17, with the folders it needs. */
export function writeOnnx(file: string, { inputs, outputs, constants, operations }: Graph): void {
  const graph = message(
    ...operations.map((operation): Field => [1, node(operation)]),
    [2, "graph"],
    ...constants.map((constant): Field => [5, tensor(constant)]),
    ...inputs.map((input): Field => [11, valueInfo(input)]),
    ...outputs.map((output): Field => [12, valueInfo(output)]),
  );
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, message([1, 8], [7, graph], [8, message([2, 17])]));
}

export const elementNumber = (type: Element) => ELEMENT[type];
