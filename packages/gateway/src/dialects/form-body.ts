import { randomUUID } from "node:crypto";

/** A field of a form: text, or a file of a media type. */
export interface FormField {
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly mediaType?: string;
}

const ESCAPES: Readonly<Record<string, string>> = { '"': "%22", "\r": "%0D", "\n": "%0A" };
/** As HTML's form submission escapes names; without it a name could end its header. */
const escaped = (name: string) => name.replace(/["\r\n]/g, (character) => ESCAPES[character] ?? "");

/** The fields as one multipart/form-data body (RFC 7578), whose boundary is random. */
export function formBody(fields: readonly FormField[]): { readonly contentType: string; readonly body: Uint8Array } {
  const boundary = randomUUID();
  const pieces = fields.flatMap(({ name, value, mediaType }, i) => {
    // Some servers know a file's kind by its name alone.
    const fileName = `${i}.${mediaType?.split("/")[1]}`;
    const file = mediaType === undefined ? "" : `; filename="${fileName}"\r\nContent-Type: ${mediaType}`;
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${escaped(name)}"${file}\r\n\r\n`;
    return [Buffer.from(head), typeof value === "string" ? Buffer.from(value) : value, Buffer.from("\r\n")];
  });
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
