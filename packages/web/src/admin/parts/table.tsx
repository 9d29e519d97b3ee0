import type { ReactNode } from "react";
import { classes } from "../../shared/class-names.ts";
import styles from "./table.module.css";

export interface Column<T> {
  readonly name: string;
  readonly cell: (row: T) => ReactNode;
  /** Right-aligned, with figures of one width. */
  readonly figures?: boolean;
}

export interface TableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly idOf: (row: T) => string;
  /** What stands there when there is nothing. */
  readonly empty: string;
}

/** A table that scrolls sideways by itself where it is too wide. */
export function Table<T>({ label, columns, rows, idOf, empty }: TableProps<T>) {
  if (rows.length === 0) return <p className={styles.empty}>{empty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard (axe: scrollable-region-focusable)
    <section className={styles.scroll} aria-label={label} tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {columns.map(({ name, figures }) => (
              <th key={name} scope="col" className={classes(figures && styles.figures)}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={idOf(row)}>
              {columns.map(({ name, cell, figures }) => (
                <td key={name} className={classes(figures && styles.figures)}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
