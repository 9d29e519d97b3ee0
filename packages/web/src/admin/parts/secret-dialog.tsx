import { Copy } from "lucide-react";
import { Button } from "../../shared/components/button.tsx";
import { Dialog } from "../../shared/components/dialog.tsx";
import { useToast } from "../../shared/components/toasts.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useTexts } from "../../shared/i18n/language.tsx";
import styles from "./secret-dialog.module.css";

export interface SecretDialogProps {
  readonly title: string;
  readonly help: string;
  readonly secret: string;
  readonly onClose: () => void;
}

/** Shows what is shown once. */
export function SecretDialog({ title, help, secret, onClose }: SecretDialogProps) {
  const c = useTexts(common);
  const toast = useToast();
  const copy = () => navigator.clipboard.writeText(secret).then(() => toast({ text: c.copied }));
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{help}</p>
      <code className={styles.secret}>{secret}</code>
      <Button variant="primary" onClick={copy}>
        <Copy aria-hidden />
        {c.copy}
      </Button>
    </Dialog>
  );
}
