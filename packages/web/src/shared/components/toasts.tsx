import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from "react";
import { common } from "../i18n/common.ts";
import { useTexts } from "../i18n/language.tsx";
import { Button } from "./button.tsx";
import styles from "./toasts.module.css";

export interface Toast {
  readonly text: string;
  /** Such as to undo. */
  readonly action?: { readonly label: string; readonly run: () => void };
}

const SHOWN_MS = 6_000;
const MAX_SHOWN = 3;
const ToastContext = createContext<(toast: Toast) => void>(() => {});

/** Shows a short message for a while. */
export function useToast(): (toast: Toast) => void {
  return useContext(ToastContext);
}

type Shown = Toast & { readonly id: string };

function ToastView({ toast, end }: { readonly toast: Shown; readonly end: (id: string) => void }) {
  const { id, text, action } = toast;
  useEffect(() => {
    const timer = setTimeout(() => end(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [end, id]);
  return (
    <div className={styles.toast}>
      <p>{text}</p>
      {action && (
        <Button
          variant="ghost"
          onClick={() => {
            action.run();
            end(id);
          }}
        >
          {action.label}
        </Button>
      )}
    </div>
  );
}

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const t = useTexts(common);
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const show = useCallback((toast: Toast) => {
    const id = crypto.getRandomValues(new Uint32Array(2)).join("-");
    setToasts((before) => [...before.slice(1 - MAX_SHOWN), { ...toast, id }]);
  }, []);
  const end = useCallback((id: string) => setToasts((before) => before.filter((toast) => toast.id !== id)), []);
  return (
    <ToastContext value={show}>
      {children}
      <section className={styles.toasts} aria-label={t.messages} aria-live="polite">
        {toasts.map((toast) => (
          <ToastView key={toast.id} toast={toast} end={end} />
        ))}
      </section>
    </ToastContext>
  );
}
