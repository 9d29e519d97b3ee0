import { Shuffle } from "lucide-react";
import { useState } from "react";
import { IconButton } from "../../shared/components/button.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { composeTexts } from "../texts.ts";
import styles from "./examples.module.css";

const SHOWN = 4;

/** Prompts that the model is good at, a few at a time. */
export function Examples({
  examples,
  onChoose,
}: {
  readonly examples: readonly string[];
  readonly onChoose: (prompt: string) => void;
}) {
  const t = useTexts(composeTexts);
  const [from, setFrom] = useState(0);
  if (examples.length === 0) return null;
  const shown = Array.from(
    { length: Math.min(SHOWN, examples.length) },
    (_, i) => examples[(from + i) % examples.length],
  );
  return (
    <section aria-label={t.examples} className={styles.examples}>
      {examples.length > SHOWN && (
        <IconButton
          label={t.otherExamples}
          className={styles.more}
          onClick={() => setFrom((from + SHOWN) % examples.length)}
        >
          <Shuffle />
        </IconButton>
      )}
      {shown.map((prompt) => (
        <button key={prompt} type="button" className={styles.example} onClick={() => onChoose(prompt ?? "")}>
          {prompt}
        </button>
      ))}
    </section>
  );
}
