import { X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { classes } from "../class-names.ts";
import { common } from "../i18n/common.ts";
import { useTexts } from "../i18n/language.tsx";
import { IconButton } from "./button.tsx";
import styles from "./dialog.module.css";

export interface DialogProps {
  readonly title: string;
  readonly wide?: boolean;
  /** Escape, the close button, or a click beside it. */
  readonly onClose: () => void;
  /** Keys that are pressed anywhere within. */
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly children: ReactNode;
}

/** A modal dialog, open as long as it is rendered: the platform's own, with its focus trap and its Escape. */
export function Dialog({ title, wide = false, onClose, onKeyDown, children }: DialogProps) {
  const t = useTexts(common);
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  // In the layout phase, because only a dialog that is still in the page gives the focus back when it closes.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={classes(styles.dialog, wide && styles.wide)}
      aria-labelledby={id}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        <IconButton label={t.close} onClick={onClose}>
          <X />
        </IconButton>
      </div>
      <div className={styles.body}>{children}</div>
    </dialog>
  );
}
