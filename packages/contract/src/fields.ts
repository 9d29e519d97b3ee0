/** Closed sets of values, in the order in which error messages list them. */
export const QUALITIES_IN = ["standard", "hd", "low", "medium", "high", "auto"] as const;
export const STYLES = ["vivid", "natural"] as const;
export const RESPONSE_FORMATS = ["url", "b64_json"] as const;
export const OUTPUT_FORMATS = ["png", "webp", "jpeg"] as const;
export const BACKGROUNDS = ["transparent", "opaque", "auto"] as const;
export const MODERATIONS = ["auto", "low"] as const;
export const INPUT_FIDELITIES = ["high", "low"] as const;

/** The qualities pictures are made in; `standard`, `hd` and `auto` are other names for these. */
export type Quality = "low" | "medium" | "high";
export type Style = (typeof STYLES)[number];
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];
export type Background = "transparent" | "opaque";
export type InputFidelity = (typeof INPUT_FIDELITIES)[number];
export type Moderation = (typeof MODERATIONS)[number];

/** The media type of a picture in a format. */
export const MEDIA_TYPES: Readonly<Record<OutputFormat, string>> = {
  png: "image/png",
  jpeg: "image/jpeg",
  webp: "image/webp",
};
