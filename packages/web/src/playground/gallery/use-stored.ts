import { useEffect, useState } from "react";
import { useObjectUrl } from "../../shared/object-url.ts";

type Read = (id: string) => Promise<Blob | undefined>;

/** A blob of the gallery; undefined while it is read, null when it is not there. */
export function useStored(read: Read, id: string): Blob | null | undefined {
  const [stored, setStored] = useState<{ readonly id: string; readonly blob: Blob | null }>();
  useEffect(() => {
    let wanted = true;
    const keep = (blob: Blob | undefined) => wanted && setStored({ id, blob: blob ?? null });
    read(id).then(keep, () => keep(undefined));
    return () => {
      wanted = false;
    };
  }, [read, id]);
  return stored?.id === id ? stored.blob : undefined;
}

/** An address for a blob of the gallery. */
export function useStoredUrl(read: Read, id: string): string | undefined {
  return useObjectUrl(useStored(read, id) ?? undefined);
}
