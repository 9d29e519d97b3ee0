const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
/** Between the braces: `name="value",…`, in which a backslash escapes what follows it. */
const LABELS = /^\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}/;
const VALUE = /^[ \t]+([^ \t]+)/;
/** Behind the longest line that anybody writes on purpose. */
const MAX_LINE = 4096;

function sampleIn(line: string): { readonly name: string; readonly value: number } | undefined {
  const [name] = NAME.exec(line) ?? [];
  if (name === undefined || line.length > MAX_LINE) return undefined;
  const rest = line.slice(name.length);
  const [labels = ""] = LABELS.exec(rest) ?? [];
  const [, value] = VALUE.exec(rest.slice(labels.length)) ?? [];
  return value === undefined ? undefined : { name, value: Number(value) };
}

/**
 * Adds up the samples of each of these names, whatever their labels, in Prometheus's text format. Lines that are not
 * understood, and values that are no amounts, are passed over; a name without a sample is absent.
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function sumSamples(text: string, names: readonly string[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (!names.some((name) => line.startsWith(name))) continue;
    const sample = sampleIn(line.trimEnd());
    if (!sample || !names.includes(sample.name)) continue;
    const { name, value } = sample;
    if (Number.isFinite(value) && value >= 0) sums.set(name, (sums.get(name) ?? 0) + value);
  }
  return sums;
}
