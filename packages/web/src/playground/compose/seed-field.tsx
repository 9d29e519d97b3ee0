import { Dices, Lock, LockOpen } from "lucide-react";
import { IconButton } from "../../shared/components/button.tsx";
import { TextField } from "../../shared/components/field.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { MAX_SEED, randomSeed } from "../../shared/random.ts";
import type { Draft } from "../draft.ts";
import { composeTexts } from "../texts.ts";
import styles from "./seed-field.module.css";

/** The seed, a dice for another one, and a lock that keeps it. Who types one wants to keep it. */
export function SeedField({
  draft,
  change,
}: {
  readonly draft: Draft;
  readonly change: (fields: Partial<Draft>) => void;
}) {
  const t = useTexts(composeTexts);
  const type = (text: string) => {
    const digits = text.replaceAll(/\D/g, "");
    change({ seed: Math.min(Number(digits), MAX_SEED), keepSeed: true });
  };
  return (
    <div className={styles.row}>
      <TextField
        label={t.seed}
        hint={t.seedHelp}
        inputMode="numeric"
        className={styles.seed}
        value={draft.seed}
        onChange={(event) => type(event.currentTarget.value)}
      />
      <div className={styles.buttons}>
        <IconButton
          label={t.newSeed}
          variant="secondary"
          onClick={() => change({ seed: randomSeed(), keepSeed: true })}
        >
          <Dices />
        </IconButton>
        <IconButton
          label={t.keepSeed}
          variant="secondary"
          aria-pressed={draft.keepSeed}
          onClick={() => change({ keepSeed: !draft.keepSeed })}
        >
          {draft.keepSeed ? <Lock /> : <LockOpen />}
        </IconButton>
      </div>
    </div>
  );
}
