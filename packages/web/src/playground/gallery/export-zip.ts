import { strToU8, Zip, ZipPassThrough } from "fflate";
import type { Gallery } from "./gallery.ts";
import { fileName, type Picture } from "./picture.ts";

/** The pictures and `pictures.json` with their prompts in a zip file; not compressed, as pictures are already. */
export async function exportZip(gallery: Gallery, pictures: readonly Picture[]): Promise<Blob> {
  const parts: BlobPart[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    parts.push(new Uint8Array(chunk));
  });
  const add = (name: string, bytes: Uint8Array) => {
    const entry = new ZipPassThrough(name);
    zip.add(entry);
    entry.push(bytes, true);
  };
  const named = pictures.map((picture, i) => ({
    ...picture,
    file: `${String(i + 1).padStart(4, "0")}-${fileName(picture)}`,
  }));
  for (const { id, file } of named) {
    const blob = await gallery.file(id);
    if (blob) add(file, new Uint8Array(await blob.arrayBuffer()));
  }
  add("pictures.json", strToU8(`${JSON.stringify(named, null, 2)}\n`));
  zip.end();
  return new Blob(parts, { type: "application/zip" });
}
