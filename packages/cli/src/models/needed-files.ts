/** A file of a repository on the hub. */
export interface RemoteFile {
  readonly path: string;
  readonly size: number;
  /** How its content is known: SHA-256 of large files, git's own SHA-1 of others. */
  readonly checksum: { readonly kind: "sha256" | "git-sha1"; readonly hex: string };
}

const PARTS = [
  "text_encoder",
  "text_encoder_2",
  "text_encoder_3",
  "tokenizer",
  "tokenizer_2",
  "tokenizer_3",
  "scheduler",
  "unet",
  "transformer",
  "vae_decoder",
  "vae_encoder",
  "vae",
];

/** Weights of other formats, and other variants of a graph: nothing that the engine reads. */
const OTHER_WEIGHTS = /\.(safetensors|bin|msgpack|h5|ckpt|pt|pth|gguf|xml|mlmodel|engine|onnx)$|\.index\.json$/u;

/** Of a network's folder: the graph, its configuration, and every file that may hold the graph's weights. */
function isNeededOfPart(name: string): boolean {
  return name === "model.onnx" || !OTHER_WEIGHTS.test(name) || name === "weights.pb";
}

/**
 * The files of a repository that the engine reads: `model_index.json`, `README.md` and licences, and of each part the graph
 * `model.onnx` with all files beside it that are not weights of another format (external data has any name).
 */
export function neededFiles(files: readonly RemoteFile[]): RemoteFile[] {
  return files.filter(({ path }) => {
    const [part = "", name, ...deeper] = path.split("/");
    if (name === undefined) return /^(model_index\.json|atoma\.json|README\.md|LICENSE.*)$/u.test(part);
    return deeper.length === 0 && PARTS.includes(part) && isNeededOfPart(name);
  });
}

/** Why a repository holds no model that the engine loads; undefined where it does. */
export function whyNotAModel(files: readonly RemoteFile[]): string | undefined {
  const has = (path: string) => files.some((file) => file.path === path);
  if (!has("model_index.json")) return "it has no model_index.json, which folders of diffusers and optimum have";
  const denoiser = ["unet/model.onnx", "transformer/model.onnx"].find(has);
  const missing = [
    ...(denoiser === undefined ? ["unet/model.onnx or transformer/model.onnx"] : []),
    ...["text_encoder/model.onnx", "vae_decoder/model.onnx"].filter((path) => !has(path)),
  ];
  if (missing.length === 0) return undefined;
  return (
    `it has no ${missing.join(", ")}: it is not exported to ONNX. With optimum-onnx installed, ` +
    "`optimum-cli export onnx --model ORG/NAME DIR` writes a folder that `atoma models add DIR` takes"
  );
}
