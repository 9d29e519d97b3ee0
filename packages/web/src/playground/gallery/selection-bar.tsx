import { Columns2, FileArchive, Star, Trash2 } from "lucide-react";
import { Button } from "../../shared/components/button.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { galleryTexts } from "../texts.ts";
import type { Picture } from "./picture.ts";
import styles from "./selection-bar.module.css";

interface SelectionBarProps {
  readonly chosen: readonly Picture[];
  readonly onAll: () => void;
  readonly onCompare: () => void;
  readonly onFavour: () => void;
  readonly onExport: () => void;
  readonly onRemove: () => void;
  readonly onEnd: () => void;
}

/** What can be done with the pictures that are selected. */
export function SelectionBar({ chosen, onAll, onCompare, onFavour, onExport, onRemove, onEnd }: SelectionBarProps) {
  const t = useTexts(galleryTexts);
  const c = useTexts(common);
  const { locale } = useLanguage();
  const none = chosen.length === 0;
  return (
    <div className={styles.bar} role="toolbar" aria-label={t.select}>
      <p aria-live="polite">{t.selected(new Intl.NumberFormat(locale).format(chosen.length))}</p>
      <Button variant="ghost" onClick={onAll}>
        {t.selectAll}
      </Button>
      <Button variant="ghost" disabled={chosen.length !== 2} onClick={onCompare}>
        <Columns2 aria-hidden />
        {t.compare}
      </Button>
      <Button variant="ghost" disabled={none} onClick={onFavour}>
        <Star aria-hidden />
        {t.favourites}
      </Button>
      <Button variant="ghost" disabled={none} onClick={onExport}>
        <FileArchive aria-hidden />
        {t.export}
      </Button>
      <Button variant="danger" disabled={none} onClick={onRemove}>
        <Trash2 aria-hidden />
        {c.remove}
      </Button>
      <Button variant="primary" onClick={onEnd}>
        {t.endSelection}
      </Button>
    </div>
  );
}
