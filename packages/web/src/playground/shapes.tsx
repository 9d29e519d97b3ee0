import styles from "./shapes.module.css";

/** A few shapes, as the embedded model draws them, that bob a little. Decoration only. */
export function Shapes() {
  return (
    <svg className={styles.shapes} viewBox="0 0 160 100" aria-hidden="true">
      <path className={styles.moon} d="M36 12a30 30 0 1 0 26 46A34 34 0 0 1 36 12Z" fill="var(--sky)" />
      <path
        className={styles.star}
        d="m84 6 8.2 16.9 18.6 2.6-13.5 13 3.3 18.5L84 48.2 67.4 57l3.3-18.5-13.5-13 18.6-2.6Z"
        fill="var(--sun)"
      />
      <path
        className={styles.heart}
        d="M124 84S98 68 98 50a14 14 0 0 1 26-7 14 14 0 0 1 26 7c0 18-26 34-26 34Z"
        fill="var(--accent)"
      />
      <path className={styles.house} d="M60 94V70l20-16 20 16v24Z" fill="light-dark(#2f8f5b, #6fd6a2)" />
    </svg>
  );
}
