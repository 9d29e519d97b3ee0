import { CircleCheck, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { classes } from "../class-names.ts";
import styles from "./notice.module.css";

const ICONS = { bad: TriangleAlert, info: Info, good: CircleCheck };

export interface NoticeProps {
  readonly kind: keyof typeof ICONS;
  readonly title: string;
  readonly children?: ReactNode;
  /** Small print, such as a request id. */
  readonly details?: ReactNode;
  readonly actions?: ReactNode;
}

/** Something that the reader has to know. A bad one is announced at once. */
export function Notice({ kind, title, children, details, actions }: NoticeProps) {
  const Icon = ICONS[kind];
  return (
    <div className={classes(styles.notice, styles[kind])} role={kind === "bad" ? "alert" : "status"}>
      <Icon aria-hidden />
      <div className={styles.body}>
        <p className={styles.title}>{title}</p>
        {children}
        {details !== undefined && <div className={styles.small}>{details}</div>}
        {actions !== undefined && <div className={styles.actions}>{actions}</div>}
      </div>
    </div>
  );
}
