/** The mark: a nucleus, its orbit, and what goes round. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <ellipse
        cx="16"
        cy="16"
        rx="14"
        ry="6.4"
        fill="none"
        stroke="var(--sky)"
        strokeWidth="2.4"
        transform="rotate(-32 16 16)"
      />
      <circle cx="16" cy="16" r="7" fill="var(--accent)" />
      <circle cx="26.6" cy="7.2" r="3.2" fill="var(--sun)" />
    </svg>
  );
}
