import { useMutation } from "@tanstack/react-query";
import type { FormEvent, ReactNode } from "react";
import { Button } from "../../shared/components/button.tsx";
import { Dialog } from "../../shared/components/dialog.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useTexts } from "../../shared/i18n/language.tsx";
import styles from "./form-dialog.module.css";
import { Failure } from "./view.tsx";

export interface FormDialogProps {
  readonly title: string;
  /** What the button that does it says. */
  readonly action: string;
  readonly danger?: boolean;
  /** Does it. What it throws is shown, and the dialog stays open. */
  readonly onSubmit: () => Promise<unknown>;
  /** Default: closes. */
  readonly onDone?: () => void;
  readonly onClose: () => void;
  readonly children?: ReactNode;
}

/** A dialog with fields, or a question, that does one thing. */
export function FormDialog({
  title,
  action,
  danger = false,
  onSubmit,
  onClose,
  onDone = onClose,
  children,
}: FormDialogProps) {
  const c = useTexts(common);
  const attempt = useMutation({ mutationFn: onSubmit, onSuccess: onDone });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form className={styles.form} onSubmit={submit}>
        {children}
        {attempt.error && <Failure error={attempt.error} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>{c.cancel}</Button>
          <Button type="submit" variant={danger ? "danger" : "primary"} disabled={attempt.isPending}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
