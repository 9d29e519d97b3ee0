import { useQuery, useQueryClient } from "@tanstack/react-query";
import { CheckSquare, Search, Star } from "lucide-react";
import { lazy, Suspense, useDeferredValue, useState } from "react";
import { Link } from "wouter";
import { Button, IconButton } from "../../shared/components/button.tsx";
import { Notice } from "../../shared/components/notice.tsx";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { saveAs } from "../../shared/object-url.ts";
import { picturesKey, picturesQuery, usePlayground } from "../playground.ts";
import { Shapes } from "../shapes.tsx";
import { galleryTexts } from "../texts.ts";
import styles from "./gallery-view.module.css";
import { matches, type Picture } from "./picture.ts";
import { PictureDialog } from "./picture-dialog.tsx";
import { PictureGrid } from "./picture-grid.tsx";
import { SelectionBar } from "./selection-bar.tsx";
import { useRemove } from "./use-remove.ts";

const CompareDialog = lazy(() => import("./compare-dialog.tsx"));
const NONE: ReadonlySet<string> = new Set();

/** All pictures of this browser: to search, to look at, to compare, to take away. */
export default function GalleryView() {
  const t = useTexts(galleryTexts);
  const { locale } = useLanguage();
  const { gallery } = usePlayground();
  const queries = useQueryClient();
  const removePictures = useRemove();
  const pictures = useQuery(picturesQuery(gallery));
  const [search, setSearch] = useState("");
  const [favourites, setFavourites] = useState(false);
  const [opened, setOpened] = useState<Picture>();
  const [selecting, setSelecting] = useState(false);
  const [selected, setSelected] = useState(NONE);
  const [compared, setCompared] = useState<readonly [Picture, Picture]>();
  const wanted = useDeferredValue(search.trim());
  const number = (value: number) => new Intl.NumberFormat(locale).format(value);

  const all = pictures.data ?? [];
  const shown = all.filter((picture) => (!favourites || picture.favourite) && matches(picture, wanted));
  const chosen = all.filter(({ id }) => selected.has(id));
  const refresh = () => queries.invalidateQueries({ queryKey: picturesKey });
  const endSelection = () => {
    setSelecting(false);
    setSelected(NONE);
  };
  const toggle = ({ id }: Picture) =>
    setSelected((before) => new Set(before.has(id) ? [...before].filter((other) => other !== id) : [...before, id]));
  const showAll = () => {
    setSearch("");
    setFavourites(false);
  };

  async function remove(): Promise<void> {
    endSelection();
    await removePictures([...selected]);
  }
  async function favour(): Promise<void> {
    await gallery.setFavourite([...selected], !chosen.every(({ favourite }) => favourite));
    await refresh();
  }
  async function exportChosen(): Promise<void> {
    const { exportZip } = await import("./export-zip.ts");
    saveAs(await exportZip(gallery, chosen), "atoma-pictures.zip");
  }

  if (pictures.isError) {
    return (
      <div className={styles.view}>
        <Notice kind="bad" title={t.unreadable}>
          <p>{t.unreadableHelp}</p>
        </Notice>
      </div>
    );
  }
  return (
    <div className={styles.view}>
      <div className={styles.head}>
        <div>
          <h1>{t.title}</h1>
          <p>
            {t.count(number(all.length))} · {t.where}
          </p>
        </div>
        <div className={styles.filters}>
          <label className={styles.search}>
            <Search aria-hidden />
            <input
              type="search"
              aria-label={t.search}
              placeholder={t.search}
              value={search}
              onChange={(event) => setSearch(event.currentTarget.value)}
            />
          </label>
          <IconButton
            label={t.favourites}
            variant="secondary"
            aria-pressed={favourites}
            onClick={() => setFavourites(!favourites)}
          >
            <Star fill={favourites ? "currentColor" : "none"} />
          </IconButton>
          <Button
            disabled={all.length === 0}
            aria-pressed={selecting}
            onClick={() => (selecting ? endSelection() : setSelecting(true))}
          >
            <CheckSquare aria-hidden />
            {t.select}
          </Button>
        </div>
      </div>
      {pictures.data && all.length === 0 && (
        <div className={styles.empty}>
          <div className={styles.shapes}>
            <Shapes />
          </div>
          <h2>{t.empty}</h2>
          <p>{t.emptyHelp}</p>
          <Link href="/">{t.toStudio}</Link>
        </div>
      )}
      {all.length > 0 && shown.length === 0 && (
        <div className={styles.empty}>
          <h2>{t.noMatch}</h2>
          <p>{t.noMatchHelp}</p>
          <Button onClick={showAll}>{t.showAll}</Button>
        </div>
      )}
      <PictureGrid
        pictures={shown}
        label={t.title}
        selected={selecting ? selected : undefined}
        onChoose={selecting ? toggle : setOpened}
      />
      {selecting && (
        <SelectionBar
          chosen={chosen}
          onAll={() => setSelected(new Set(shown.map(({ id }) => id)))}
          onCompare={() => chosen[0] && chosen[1] && setCompared([chosen[0], chosen[1]])}
          {...{ onFavour: favour, onExport: exportChosen, onRemove: remove, onEnd: endSelection }}
        />
      )}
      {opened && <PictureDialog picture={opened} among={shown} onShow={setOpened} />}
      {compared && (
        <Suspense>
          <CompareDialog pictures={compared} onClose={() => setCompared(undefined)} />
        </Suspense>
      )}
    </div>
  );
}
