import { ImageUp, X } from "lucide-react";
import { type ClipboardEvent, type DragEvent, useId, useState } from "react";
import { classes } from "../../shared/class-names.ts";
import { Button } from "../../shared/components/button.tsx";
import { Segmented } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { useStore } from "../../shared/store.ts";
import type { Draft } from "../draft.ts";
import { usePlayground } from "../playground.ts";
import { sourceTexts } from "../texts.ts";
import { MaskEditor } from "./mask-editor.tsx";
import { readSource } from "./read-source.ts";
import styles from "./source-panel.module.css";

const ACCEPTED = "image/png,image/jpeg,image/webp";

interface SourcePanelProps {
  /** Whether the model can be asked how closely to keep to the picture. */
  readonly fidelity: boolean;
  readonly draft: Draft;
  readonly change: (fields: Partial<Draft>) => void;
}

/** The picture that an edit begins with: chosen, dropped or pasted; then its mask. */
export default function SourcePanel({ fidelity, draft, change }: SourcePanelProps) {
  const t = useTexts(sourceTexts);
  const { source: sources } = usePlayground();
  const source = useStore(sources);
  const id = useId();
  const [over, setOver] = useState(false);
  const [unreadable, setUnreadable] = useState(false);

  async function take(files: FileList | undefined): Promise<void> {
    const file = [...(files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (!file) return setUnreadable((files?.length ?? 0) > 0);
    try {
      const read = await readSource(file);
      sources.set(() => read);
      setUnreadable(false);
    } catch {
      setUnreadable(true);
    }
  }
  const input = (label: string) => (
    <label className={styles.choose} htmlFor={id}>
      {label}
      <input
        id={id}
        type="file"
        accept={ACCEPTED}
        className="visually-hidden"
        onChange={(event) => {
          void take(event.currentTarget.files ?? undefined);
          event.currentTarget.value = ""; // so that the same file can be chosen again
        }}
      />
    </label>
  );
  const drop = {
    onDragOver: (event: DragEvent) => {
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: () => setOver(false),
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      void take(event.dataTransfer.files);
    },
    onPaste: (event: ClipboardEvent) => void take(event.clipboardData.files),
  };

  return (
    <div className={styles.panel} {...drop}>
      {source ? (
        <>
          <MaskEditor source={source} onMask={(mask) => sources.set((before) => before && { ...before, mask })} />
          <div className={styles.row}>
            {input(t.replace)}
            <Button variant="ghost" onClick={() => sources.set(() => undefined)}>
              <X aria-hidden />
              {t.removeSource}
            </Button>
          </div>
          {fidelity && (
            <Segmented
              label={t.fidelity}
              value={draft.fidelity}
              onValue={(value) => change({ fidelity: value })}
              options={[
                { value: "low", label: t.loosely },
                { value: "high", label: t.closely },
              ]}
            />
          )}
        </>
      ) : (
        <div className={classes(styles.drop, over && styles.over)}>
          <ImageUp aria-hidden />
          {input(t.choose)}
          <p>{t.orDrop}</p>
        </div>
      )}
      {unreadable && (
        <p role="alert" className={styles.problem}>
          {t.notAPicture}
        </p>
      )}
    </div>
  );
}
