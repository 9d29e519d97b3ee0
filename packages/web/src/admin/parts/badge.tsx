import type { ReactNode } from "react";
import { classes } from "../../shared/class-names.ts";
import styles from "./badge.module.css";

/** A state in one word. */
export function Badge({
  kind,
  children,
}: {
  readonly kind: "good" | "warn" | "bad" | "calm";
  readonly children: ReactNode;
}) {
  return <span className={classes(styles.badge, styles[kind])}>{children}</span>;
}
