import { decodeBase64, encodeBase64 } from "../../lib/base64.ts";
import { sniffMediaType } from "../../lib/media-type.ts";
import type { Bytes } from "../../types/bytes.ts";
import { InvalidRequestError } from "../errors/invalidrequesterror.ts";

export { imageDataFromJSON, imageDataToJSON } from "./json/imagedata.ts";

/** Limits of fetching a picture that the answer has only a URL of. */
export interface DownloadOptions {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | null | undefined;
}

/** Fetches the picture at a URL. */
export type Download = (url: string | undefined, options: DownloadOptions | undefined) => Promise<Bytes>;

/** A picture of an answer. Its methods work alike whether it came as base64 or as a URL. */
export class ImageData {
  /** Standard base64, without a `data:` prefix. */
  declare b64Json?: string;
  declare url?: string;
  /** The prompt as the model was given it. */
  declare revisedPrompt?: string;
  /** Makes the same picture again. */
  declare seed?: number;
  /** Further fields of the server, unchanged. */
  [field: string]: unknown;

  readonly #download: Download;
  /** What the answer says, or a download showed. */
  #type: string | undefined;
  /** The picture in base64; "" when there is only a URL. */
  readonly #encoded: string;
  #downloaded: Promise<Bytes> | undefined;

  /**
   * @param fields of the answer, in camelCase
   * @param format such as `png`, where the answer says it
   */
  constructor(fields: Record<string, unknown>, download: Download, format?: unknown) {
    for (const [name, value] of Object.entries(fields)) {
      const isPicture = name === "b64Json" || name === "url";
      const isMissing = isPicture && (typeof value !== "string" || value === "");
      if (!isMissing && !(name in this)) this[name] = value; // no field may take the place of a method
    }
    const { b64Json, url = "" } = this;
    // Some servers send a data: URL where base64 belongs.
    const encoded = (b64Json ?? url).replace(/^data:[^,]{0,99};base64,/i, "");
    if (b64Json) this.b64Json = encoded;
    this.#encoded = encoded === url ? "" : encoded;
    this.#download = download;
    this.#type = format ? `image/${format}` : undefined;
  }

  /**
   * Such as `image/png`, found in the first bytes; where there are none yet (a URL before `bytes()`), what the answer
   * says, or undefined.
   */
  get mediaType(): string | undefined {
    return sniffMediaType(this.#encoded) ?? this.#type;
  }

  /**
   * The encoded picture (PNG, JPEG or WebP), decoded from base64, or fetched once and kept.
   * @throws SDKValidationError when there is no picture, or its base64 is broken; for a URL all that a call throws
   */
  async bytes(options?: DownloadOptions): Promise<Bytes> {
    if (this.#encoded) return decodeBase64(this.#encoded);
    this.#downloaded ??= this.#download(this.url, options).catch((error: unknown) => {
      this.#downloaded = undefined; // another try may do better
      throw error;
    });
    const bytes = await this.#downloaded;
    this.#type = sniffMediaType(encodeBase64(bytes.subarray(0, 12))) ?? this.#type;
    return bytes.slice(); // what the caller does with it spoils no later one
  }

  /** The picture as a Blob with its media type. */
  async blob(options?: DownloadOptions): Promise<Blob> {
    const bytes = await this.bytes(options);
    return new Blob([bytes], { type: this.mediaType ?? "" });
  }

  /** The picture as a `data:` URL, such as for the `src` of an `<img>`. */
  async dataUrl(options?: DownloadOptions): Promise<string> {
    const encoded = this.#encoded || encodeBase64(await this.bytes(options));
    return `data:${this.mediaType ?? "application/octet-stream"};base64,${encoded}`;
  }

  /**
   * Writes the picture to a file, on Node, Deno and Bun.
   * @throws InvalidRequestError where there are no files; what the file system throws
   */
  async save(path: string | URL, options?: DownloadOptions): Promise<void> {
    const bytes = await this.bytes(options);
    // Not a literal, so that bundlers for browsers do not look for it.
    const name = "node:fs/promises";
    const fs = await import(/* @vite-ignore */ /* webpackIgnore: true */ name).catch((cause: unknown) => {
      throw new InvalidRequestError("save() needs Node, Deno or Bun", { cause });
    });
    await fs.writeFile(path, bytes);
  }

  /** What console.log shows on Node: the picture itself only by its length. */
  [Symbol.for("nodejs.util.inspect.custom")](): Record<string, unknown> {
    const shown = this.#encoded && {
      [this.b64Json ? "b64Json" : "url"]: `[${this.#encoded.length} characters of base64]`,
    };
    return { ...this, ...shown };
  }
}
