import { decodeBase64, encodeBase64 } from "../../lib/base64.ts";
import { sniffMediaType } from "../../lib/media-type.ts";
import type { Bytes } from "../../types/bytes.ts";
import { InvalidRequestError } from "../errors/invalidrequesterror.ts";
import { SDKValidationError } from "../errors/sdkvalidationerror.ts";

/** Limits of fetching a picture that the answer has only a URL of. */
export interface DownloadOptions {
  timeoutMs?: number | undefined;
  signal?: AbortSignal | null | undefined;
}

/** Fetches the picture at a URL. */
export type Download = (url: string, options: DownloadOptions | undefined) => Promise<Bytes>;

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
  readonly #type: string | undefined;
  #downloaded: Promise<Bytes> | undefined;
  /** The first bytes of what was downloaded, in base64. */
  #head = "";

  /**
   * @param fields of the answer, in camelCase
   * @param format such as `png`, where the answer says it
   */
  constructor(fields: Record<string, unknown>, download: Download, format?: unknown) {
    for (const [name, value] of Object.entries(fields)) {
      if (!(name in this)) this[name] = value; // no field may take the place of a method
    }
    // Some servers send a data: URL where base64 belongs.
    if (typeof this.b64Json === "string") this.b64Json = this.b64Json.replace(DATA_URL, "");
    for (const name of ["b64Json", "url"] as const) {
      if (typeof this[name] !== "string" || !this[name]) delete this[name];
    }
    this.#download = download;
    this.#type = typeof format === "string" ? `image/${format}` : undefined;
  }

  /**
   * Such as `image/png`, found in the first bytes; where there are none yet (a URL before `bytes()`), what the answer
   * says, or undefined.
   */
  get mediaType(): string | undefined {
    return sniffMediaType(this.#base64() ?? this.#head) ?? this.#type;
  }

  /**
   * The encoded picture (PNG, JPEG or WebP), decoded from base64, or fetched once and kept.
   * @throws SDKValidationError when there is no picture, or its base64 is broken; for a URL all that a call throws
   */
  async bytes(options?: DownloadOptions): Promise<Bytes> {
    const encoded = this.#base64();
    if (encoded !== undefined) return decodeBase64(encoded);
    if (!this.url) throw new SDKValidationError("Response", "neither b64_json nor url", { ...this });
    this.#downloaded ??= this.#download(this.url, options);
    try {
      const bytes = await this.#downloaded;
      this.#head = encodeBase64(bytes.subarray(0, 12));
      return bytes.slice(); // what the caller does with it spoils no later one
    } catch (error) {
      this.#downloaded = undefined; // another try may do better
      throw error;
    }
  }

  /** The picture as a Blob with its media type. */
  async blob(options?: DownloadOptions): Promise<Blob> {
    const bytes = await this.bytes(options);
    return new Blob([bytes], { type: this.mediaType ?? "" });
  }

  /** The picture as a `data:` URL, such as for the `src` of an `<img>`. */
  async dataUrl(options?: DownloadOptions): Promise<string> {
    const encoded = this.#base64() ?? encodeBase64(await this.bytes(options));
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
    let fs: { writeFile(path: string | URL, bytes: Uint8Array): Promise<void> };
    try {
      fs = await import(/* @vite-ignore */ /* webpackIgnore: true */ name);
    } catch (cause) {
      throw new InvalidRequestError("save() needs a platform with files: Node, Deno or Bun", { cause });
    }
    await fs.writeFile(path, bytes);
  }

  #base64(): string | undefined {
    const { b64Json, url } = this;
    return b64Json ?? (url && DATA_URL.test(url) ? url.replace(DATA_URL, "") : undefined);
  }

  /** What console.log shows on Node: the picture itself only by its length. */
  [Symbol.for("nodejs.util.inspect.custom")](): Record<string, unknown> {
    const shown: Record<string, unknown> = { ...this };
    if (this.b64Json) shown.b64Json = `[${this.b64Json.length} characters of base64]`;
    if (this.url?.startsWith("data:")) shown.url = `[data URL of ${this.url.length} characters]`;
    return shown;
  }
}

const DATA_URL = /^data:[^,]{0,99};base64,/i;
