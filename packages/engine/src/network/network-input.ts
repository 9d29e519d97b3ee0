import type { DataType } from "./tensor-data.ts";

/** An input as the network's file declares it. Dimensions are numbers, or names where they are open. */
export interface NetworkInput {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | string)[];
}
