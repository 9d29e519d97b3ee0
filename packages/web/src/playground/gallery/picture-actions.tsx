import { useQueryClient } from "@tanstack/react-query";
import { Braces, Download, ImagePlus, RotateCcw, Star, Trash2 } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useLocation } from "wouter";
import { Button, type ButtonProps } from "../../shared/components/button.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useTexts } from "../../shared/i18n/language.tsx";
import { saveAs } from "../../shared/object-url.ts";
import { readSource } from "../compose/read-source.ts";
import { picturesKey, usePlayground } from "../playground.ts";
import { pictureTexts } from "../texts.ts";
import { fileName, type Picture } from "./picture.ts";
import styles from "./picture-actions.module.css";
import { useIsFavourite } from "./use-favourite.ts";
import { useRemove } from "./use-remove.ts";

const CodeDialog = lazy(() => import("./code-dialog.tsx"));

/** An icon, and its name where there is room. */
function Action({ name, icon, ...rest }: ButtonProps & { readonly name: string; readonly icon: ReactNode }) {
  return (
    <Button variant="ghost" title={name} {...rest}>
      {icon}
      <span>{name}</span>
    </Button>
  );
}

/** What can be done with a finished picture. `onLeave` is called where the studio is to be seen next. */
export function PictureActions({
  picture,
  file,
  onLeave,
}: {
  readonly picture: Picture;
  readonly file: Blob | undefined;
  readonly onLeave?: () => void;
}) {
  const t = useTexts(pictureTexts);
  const { draft, mode, source, gallery } = usePlayground();
  const queries = useQueryClient();
  const c = useTexts(common);
  const favourite = useIsFavourite(picture);
  const remove = useRemove();
  const [, go] = useLocation();
  const [code, setCode] = useState(false);

  const toStudio = () => {
    onLeave?.();
    go("/");
  };
  const useAgain = () => {
    const { prompt, negativePrompt, model, size, seed, steps, guidanceScale, scheduler, format } = picture;
    const same = { prompt, negativePrompt, model, size, seed, steps, guidanceScale, scheduler, format };
    const fields = { ...same, keepSeed: true, count: 1 };
    draft.set((before) => before && { ...before, ...fields });
    mode.set(() => "words");
    toStudio();
  };
  const edit = async () => {
    if (!file) return;
    const read = await readSource(file);
    source.set(() => read);
    mode.set(() => "picture");
    draft.set((before) => before && { ...before, prompt: picture.prompt, size: picture.size, model: picture.model });
    toStudio();
  };
  const favour = async () => {
    await gallery.setFavourite([picture.id], !favourite);
    await queries.invalidateQueries({ queryKey: picturesKey });
  };

  return (
    <div className={styles.actions}>
      <div className={styles.row}>
        <Action name={t.useAgain} icon={<RotateCcw aria-hidden />} onClick={useAgain} />
        <Action name={t.edit} icon={<ImagePlus aria-hidden />} disabled={!file} onClick={edit} />
        <Action
          name={t.favour}
          icon={<Star aria-hidden fill={favourite ? "currentColor" : "none"} />}
          aria-pressed={favourite}
          onClick={favour}
        />
        <Action
          name={t.download}
          icon={<Download aria-hidden />}
          disabled={!file}
          onClick={() => file && saveAs(file, fileName(picture))}
        />
        <Action name={t.code} icon={<Braces aria-hidden />} onClick={() => setCode(true)} />
        <Action
          name={c.remove}
          icon={<Trash2 aria-hidden />}
          onClick={() => {
            onLeave?.();
            void remove([picture.id]);
          }}
        />
      </div>
      {code && (
        <Suspense>
          <CodeDialog picture={picture} onClose={() => setCode(false)} />
        </Suspense>
      )}
    </div>
  );
}
