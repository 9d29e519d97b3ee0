import { ChevronLeft, ChevronRight } from "lucide-react";
import type { KeyboardEvent } from "react";
import { IconButton } from "../../shared/components/button.tsx";
import { Dialog } from "../../shared/components/dialog.tsx";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { useObjectUrl } from "../../shared/object-url.ts";
import { usePlayground } from "../playground.ts";
import { pictureTexts } from "../texts.ts";
import type { Picture } from "./picture.ts";
import { PictureActions } from "./picture-actions.tsx";
import styles from "./picture-dialog.module.css";
import { useStored } from "./use-stored.ts";

interface PictureDialogProps {
  readonly picture: Picture;
  /** The pictures around it, which the arrows lead to. */
  readonly among: readonly Picture[];
  /** Another one, or none. */
  readonly onShow: (picture: Picture | undefined) => void;
}

/** How a picture was made. */
function Facts({ picture }: { readonly picture: Picture }) {
  const t = useTexts(pictureTexts);
  const { locale } = useLanguage();
  const number = new Intl.NumberFormat(locale);
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const facts = [
    [t.model, picture.model],
    [t.size, picture.size.replace("x", " × ")],
    [t.seed, String(picture.seed)],
    [t.steps, number.format(picture.steps)],
    [t.guidance, number.format(picture.guidanceScale)],
    ...(picture.scheduler === "" ? [] : [[t.scheduler, picture.scheduler]]),
    ...(picture.negativePrompt === "" ? [] : [[t.negative, picture.negativePrompt]]),
    [t.cost, t.units(number.format(picture.units))],
    [t.made, date.format(picture.createdAt) + (picture.edited ? `, ${t.edited}` : "")],
  ];
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A picture, large, with all that is known of it. */
export function PictureDialog({ picture, among, onShow }: PictureDialogProps) {
  const t = useTexts(pictureTexts);
  const { gallery } = usePlayground();
  const file = useStored(gallery.file, picture.id);
  const url = useObjectUrl(file ?? undefined);
  const at = among.findIndex(({ id }) => id === picture.id);
  const previous = at > 0 ? among[at - 1] : undefined;
  const next = at >= 0 ? among[at + 1] : undefined;
  const turn = (event: KeyboardEvent) => {
    const to = { ArrowLeft: previous, ArrowRight: next }[event.key];
    if (to) onShow(to);
  };
  return (
    <Dialog title={t.title} wide onClose={() => onShow(undefined)} onKeyDown={turn}>
      <div className={styles.picture}>
        <div className={styles.frame}>
          {url && <img src={url} alt={picture.prompt} />}
          {file === null && <p>{t.gone}</p>}
          <IconButton
            label={t.previous}
            variant="secondary"
            className={styles.previous}
            disabled={!previous}
            onClick={() => onShow(previous)}
          >
            <ChevronLeft />
          </IconButton>
          <IconButton
            label={t.next}
            variant="secondary"
            className={styles.next}
            disabled={!next}
            onClick={() => onShow(next)}
          >
            <ChevronRight />
          </IconButton>
        </div>
        <div className={styles.side}>
          <p className={styles.prompt}>{picture.prompt}</p>
          <Facts picture={picture} />
        </div>
        <div className={styles.actions}>
          <PictureActions picture={picture} file={file ?? undefined} onLeave={() => onShow(undefined)} />
        </div>
      </div>
    </Dialog>
  );
}
