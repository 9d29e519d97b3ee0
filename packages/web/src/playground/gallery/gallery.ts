import { type DBSchema, type IDBPDatabase, openDB } from "idb";
import type { Picture } from "./picture.ts";

interface Schema extends DBSchema {
  pictures: { key: string; value: Picture };
  files: { key: string; value: Blob };
  thumbnails: { key: string; value: Blob };
}

/** A picture with all that is kept of it. */
export interface WholePicture {
  readonly picture: Picture;
  readonly file: Blob;
  readonly thumbnail: Blob;
}

/** The pictures of this browser, in IndexedDB. All methods reject with the database's DOMException. */
export interface Gallery {
  /** Newest first. */
  list(): Promise<readonly Picture[]>;
  add(pictures: readonly WholePicture[]): Promise<void>;
  file(id: string): Promise<Blob | undefined>;
  thumbnail(id: string): Promise<Blob | undefined>;
  setFavourite(ids: readonly string[], favourite: boolean): Promise<void>;
  /** Gives what was removed, so that it can be added again. */
  remove(ids: readonly string[]): Promise<readonly WholePicture[]>;
}

const STORES = ["pictures", "files", "thumbnails"] as const;

export function openGallery(): Gallery {
  let opened: Promise<IDBPDatabase<Schema>> | undefined;
  const database = () => {
    opened ??= openDB<Schema>("atoma", 1, {
      upgrade(db) {
        db.createObjectStore("pictures", { keyPath: "id" });
        db.createObjectStore("files");
        db.createObjectStore("thumbnails");
      },
    });
    return opened;
  };

  return {
    async list() {
      const db = await database();
      return (await db.getAll("pictures")).toReversed();
    },
    async add(pictures) {
      const db = await database();
      const transaction = db.transaction(STORES, "readwrite");
      const puts = pictures.flatMap(({ picture, file, thumbnail }) => [
        transaction.objectStore("pictures").put(picture),
        transaction.objectStore("files").put(file, picture.id),
        transaction.objectStore("thumbnails").put(thumbnail, picture.id),
      ]);
      await Promise.all([...puts, transaction.done]);
    },
    file: async (id) => (await database()).get("files", id),
    thumbnail: async (id) => (await database()).get("thumbnails", id),
    async setFavourite(ids, favourite) {
      const db = await database();
      const transaction = db.transaction("pictures", "readwrite");
      for (const id of ids) {
        const picture = await transaction.store.get(id);
        if (picture) await transaction.store.put({ ...picture, favourite });
      }
      await transaction.done;
    },
    async remove(ids) {
      const db = await database();
      const transaction = db.transaction(STORES, "readwrite");
      const removed: WholePicture[] = [];
      for (const id of ids) {
        const [picture, file, thumbnail] = await Promise.all([
          transaction.objectStore("pictures").get(id),
          transaction.objectStore("files").get(id),
          transaction.objectStore("thumbnails").get(id),
        ]);
        if (picture && file && thumbnail) removed.push({ picture, file, thumbnail });
        await Promise.all(STORES.map((name) => transaction.objectStore(name).delete(id)));
      }
      await transaction.done;
      return removed;
    },
  };
}
