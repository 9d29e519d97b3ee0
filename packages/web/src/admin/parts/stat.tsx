import { CircleHelp } from "lucide-react";
import { type ReactNode, useId } from "react";
import { useTexts } from "../../shared/i18n/language.tsx";
import { shellTexts } from "../texts.ts";
import styles from "./stat.module.css";

export interface StatProps {
  readonly name: string;
  readonly value: ReactNode;
  /** What the figure is, exactly. */
  readonly means: string;
  readonly kind?: "bad" | undefined;
}

/** A name with its definition one click away. */
export function Defined({ name, means }: { readonly name: string; readonly means: string }) {
  const t = useTexts(shellTexts);
  const id = useId();
  return (
    <span className={styles.name}>
      {name}
      <button type="button" className={styles.help} popoverTarget={id} aria-label={t.whatIs(name)}>
        <CircleHelp aria-hidden />
      </button>
      <span id={id} popover="auto" className={styles.definition}>
        {means}
      </span>
    </span>
  );
}

/** One figure. */
export function Stat({ name, value, means, kind }: StatProps) {
  return (
    <div className={styles.stat}>
      <dt>
        <Defined name={name} means={means} />
      </dt>
      <dd className={kind === "bad" ? styles.bad : undefined}>{value}</dd>
    </div>
  );
}

export function Stats({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.stats}>{children}</dl>;
}
