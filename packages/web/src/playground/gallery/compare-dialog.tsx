import { type CSSProperties, useState } from "react";
import { Dialog } from "../../shared/components/dialog.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { usePlayground } from "../playground.ts";
import { pictureTexts } from "../texts.ts";
import styles from "./compare-dialog.module.css";
import type { Picture } from "./picture.ts";
import { useStoredUrl } from "./use-stored.ts";

/** Two pictures, one over the other, with a slider that uncovers the lower one. */
export default function CompareDialog({
  pictures: [left, right],
  onClose,
}: {
  readonly pictures: readonly [Picture, Picture];
  readonly onClose: () => void;
}) {
  const t = useTexts(pictureTexts);
  const [share, setShare] = useState(50);
  const { gallery } = usePlayground();
  const leftUrl = useStoredUrl(gallery.file, left.id);
  const rightUrl = useStoredUrl(gallery.file, right.id);
  // A custom property, which React's types do not know.
  const style = { "--share": `${share}%`, aspectRatio: left.size.replace("x", " / ") } as CSSProperties;
  return (
    <Dialog title={t.compareTitle} wide onClose={onClose}>
      <div className={styles.pair} style={style}>
        {rightUrl && <img src={rightUrl} alt={right.prompt} />}
        {leftUrl && <img className={styles.upper} src={leftUrl} alt={left.prompt} />}
        <span className={styles.line} />
        <input
          type="range"
          aria-label={t.compareSlider}
          min={0}
          max={100}
          value={share}
          onChange={(event) => setShare(event.currentTarget.valueAsNumber)}
        />
      </div>
      <div className={styles.captions}>
        <p>
          {left.prompt} · {left.seed}
        </p>
        <p>
          {right.prompt} · {right.seed}
        </p>
      </div>
    </Dialog>
  );
}
