import type { ModelCapabilities } from "@atoma/contract";
import { ChevronDown } from "lucide-react";
import { Segmented, Select, Slider, TextField } from "../../shared/components/field.tsx";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { type Draft, MAX_GUIDANCE } from "../draft.ts";
import { composeTexts } from "../texts.ts";
import styles from "./fine-tuning.module.css";

/** What most pictures do well without. */
export function FineTuning({
  capabilities,
  draft,
  change,
}: {
  readonly capabilities: ModelCapabilities;
  readonly draft: Draft;
  readonly change: (fields: Partial<Draft>) => void;
}) {
  const t = useTexts(composeTexts);
  const { locale } = useLanguage();
  const guidance = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return (
    <details className={styles.tuning}>
      <summary>
        {t.tuning}
        <ChevronDown aria-hidden />
      </summary>
      <div className={styles.fields}>
        <Slider
          label={t.steps}
          hint={t.stepsHelp}
          value={draft.steps}
          min={1}
          max={capabilities.steps.max}
          onValue={(steps) => change({ steps })}
        />
        <Slider
          label={t.guidance}
          hint={t.guidanceHelp}
          value={draft.guidanceScale}
          shown={guidance.format(draft.guidanceScale)}
          min={0}
          max={capabilities.guidance_scale.max ?? MAX_GUIDANCE}
          step={0.5}
          onValue={(guidanceScale) => change({ guidanceScale })}
        />
        {capabilities.schedulers.length > 0 && (
          <Select
            label={t.scheduler}
            value={draft.scheduler}
            onChange={(event) => change({ scheduler: event.currentTarget.value })}
          >
            <option value="">{t.ownScheduler}</option>
            {capabilities.schedulers.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
        {capabilities.negative_prompts && (
          <TextField
            label={t.negative}
            placeholder={t.negativePlaceholder}
            value={draft.negativePrompt}
            onChange={(event) => change({ negativePrompt: event.currentTarget.value })}
          />
        )}
        {capabilities.output_formats.length > 1 && (
          <Segmented
            label={t.format}
            value={draft.format}
            onValue={(format) => change({ format })}
            options={capabilities.output_formats.map((value) => ({ value, label: value.toUpperCase() }))}
          />
        )}
      </div>
    </details>
  );
}
