import { computeUnits, type ModelCapabilities, parseSize, type SizeRule, sizeViolation } from "@atoma/contract";
import { queryOptions } from "@tanstack/react-query";
import type { AtomaSDK } from "atoma-sdk";

/** A model and what its card says that it can do. */
export interface Model {
  readonly id: string;
  readonly capabilities: ModelCapabilities;
}

export function modelsQuery(sdk: AtomaSDK) {
  return queryOptions({
    queryKey: ["models"],
    queryFn: async ({ signal }) => {
      const { data } = await sdk.models.list({ signal });
      // The gateway sends a card with every model, checked by itself.
      return data.flatMap(({ id, capabilities }) => (capabilities ? [{ id, capabilities } as Model] : []));
    },
  });
}

export interface SizeOption {
  /** `WIDTHxHEIGHT` */
  readonly size: string;
  readonly width: number;
  readonly height: number;
}

/** Sizes of one aspect ratio, small to large. */
export interface Ratio {
  /** Such as `4:3`. */
  readonly name: string;
  /** Width by height. */
  readonly value: number;
  readonly sizes: readonly SizeOption[];
}

const RATIOS = ["1:1", "4:3", "3:4", "16:9", "9:16", "3:2", "2:3"] as const;
/** Sides of the squares whose area a size is about. */
const SIDES = [256, 384, 512, 768, 1024, 1536, 2048];

const ratioValue = (ratio: string): number => {
  const [width = 1, height = 1] = ratio.split(":").map(Number);
  return width / height;
};

function optionOf(size: string): SizeOption | undefined {
  const parsed = parseSize(size);
  return parsed && { size, ...parsed };
}

/** Sizes of about these ratios that the rule allows. */
function sizesInRange(rule: Extract<SizeRule, { kind: "range" }>): SizeOption[] {
  const rounded = (side: number) => Math.round(side / rule.multiple) * rule.multiple;
  const sizes = RATIOS.slice(0, 5).flatMap((ratio) =>
    SIDES.map((side) => {
      const root = Math.sqrt(ratioValue(ratio));
      return `${rounded(side * root)}x${rounded(side / root)}`;
    }),
  );
  return sizes.flatMap((size) => (sizeViolation(size, rule) ? [] : (optionOf(size) ?? [])));
}

/** What a model can draw, by aspect ratio: all of a fixed list, of a range the usual ones. The default size is always there. */
export function ratiosOf({ sizes, default_size }: ModelCapabilities): readonly Ratio[] {
  const known = sizes.kind === "fixed" ? sizes.values.flatMap((size) => optionOf(size) ?? []) : sizesInRange(sizes);
  const all = new Map([optionOf(default_size) ?? [], known].flat().map((option) => [option.size, option]));
  const ratios = new Map<string, SizeOption[]>();
  for (const option of all.values()) {
    const value = option.width / option.height;
    // Rounded to multiples of the model, a ratio is only about what it is called.
    const distance = (ratio: string) => Math.abs(Math.log(ratioValue(ratio) / value));
    const name = RATIOS.toSorted((a, b) => distance(a) - distance(b))[0] ?? "1:1";
    ratios.set(name, [...(ratios.get(name) ?? []), option]);
  }
  return [...ratios].map(([name, options]) => ({
    name,
    value: ratioValue(name),
    sizes: options.toSorted((a, b) => a.width * a.height - b.width * b.height),
  }));
}

/** Compute units of one picture. */
export function unitsOf({ capabilities }: Model, size: string, steps: number): number {
  const { width, height } = parseSize(size) ?? { width: 1, height: 1 };
  return computeUnits({ images: 1, width, height, steps, quality: capabilities.default_quality }, capabilities.pricing);
}
