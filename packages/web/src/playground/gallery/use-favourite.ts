import { useQuery } from "@tanstack/react-query";
import { picturesQuery, usePlayground } from "../playground.ts";
import type { Picture } from "./picture.ts";

/** Whether a picture is a favourite now. */
export function useIsFavourite({ id, favourite }: Picture): boolean {
  const { gallery } = usePlayground();
  const pictures = useQuery(picturesQuery(gallery));
  return pictures.data?.find((picture) => picture.id === id)?.favourite ?? favourite;
}
