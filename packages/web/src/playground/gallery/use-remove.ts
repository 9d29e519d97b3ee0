import { useQueryClient } from "@tanstack/react-query";
import { useToast } from "../../shared/components/toasts.tsx";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { picturesKey, usePlayground } from "../playground.ts";
import { galleryTexts } from "../texts.ts";

/** A function that removes pictures, and says so with a way back. */
export function useRemove(): (ids: readonly string[]) => Promise<void> {
  const t = useTexts(galleryTexts);
  const { locale } = useLanguage();
  const { gallery, easel } = usePlayground();
  const queries = useQueryClient();
  const toast = useToast();
  const refresh = () => queries.invalidateQueries({ queryKey: picturesKey });
  return async (ids) => {
    const removed = await gallery.remove(ids);
    for (const { id, state } of easel.tasks.get()) {
      if (state.kind === "done" && ids.includes(state.picture.id)) easel.dismiss(id);
    }
    await refresh();
    const undo = () => void gallery.add(removed).then(refresh);
    toast({ text: t.removed(new Intl.NumberFormat(locale).format(ids.length)), action: { label: t.undo, run: undo } });
  };
}
