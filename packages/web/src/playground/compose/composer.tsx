import { Brush, WandSparkles } from "lucide-react";
import { type FormEvent, type KeyboardEvent, lazy, Suspense, useEffect, useRef, useState } from "react";
import { Button } from "../../shared/components/button.tsx";
import { Segmented, Select, Slider, TextArea } from "../../shared/components/field.tsx";
import { useLanguage, useTexts } from "../../shared/i18n/language.tsx";
import { MAX_SEED, randomSeed } from "../../shared/random.ts";
import { useStore } from "../../shared/store.ts";
import type { Account } from "../account.ts";
import { type Draft, withinCard } from "../draft.ts";
import { type Model, ratiosOf, unitsOf } from "../model.ts";
import { usePlayground } from "../playground.ts";
import { composeTexts } from "../texts.ts";
import styles from "./composer.module.css";
import { Examples } from "./examples.tsx";
import { FineTuning } from "./fine-tuning.tsx";
import { SeedField } from "./seed-field.tsx";
import { SizePicker } from "./size-picker.tsx";

const SourcePanel = lazy(() => import("./source-panel.tsx"));

interface ComposerProps {
  readonly account: Account;
  readonly draft: Draft;
  readonly model: Model;
  readonly models: readonly Model[];
}

/** What the pictures cost together, and for how many more the rest is enough. */
function Cost({
  units,
  count,
  available,
}: {
  readonly units: number;
  readonly count: number;
  readonly available: number;
}) {
  const t = useTexts(composeTexts);
  const { locale } = useLanguage();
  const exact = new Intl.NumberFormat(locale);
  const round = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
  const total = units * count;
  const rest = Math.floor((available - total) / units);
  return (
    <p className={styles.cost} data-short={rest < 0 || undefined}>
      {t.cost(exact.format(total))} · {rest < 0 ? t.notEnough : t.enoughFor(round.format(rest))}
    </p>
  );
}

/** Everything that a picture is ordered with. All limits are those of the model's card. */
export function Composer({ account, draft, model, models }: ComposerProps) {
  const t = useTexts(composeTexts);
  const { draft: drafts, mode: modes, source: sources, easel } = usePlayground();
  const mode = useStore(modes);
  const source = useStore(sources);
  const form = useRef<HTMLFormElement>(null);
  /** Whether it was tried to draw what cannot be drawn yet. */
  const [tried, setTried] = useState(false);
  const { capabilities } = model;
  const change = (fields: Partial<Draft>) => drafts.set((before) => before && { ...before, ...fields });

  // Where the controls are below the pictures, they come into view with the picture that is to be edited.
  const image = source?.image;
  useEffect(() => {
    if (image) form.current?.scrollIntoView({ block: "nearest" });
  }, [image]);

  const ratios = ratiosOf(capabilities);
  const editing = capabilities.edits && mode === "picture";
  const over = [...draft.prompt].length - capabilities.max_prompt_length;
  const missing = editing && !source ? t.noSource : draft.prompt.trim() === "" ? t.noPrompt : undefined;
  const units = unitsOf(model, draft.size, draft.steps);

  const chooseModel = (id: string) => {
    const next = models.find((other) => other.id === id);
    if (!next) return;
    const sizes = ratiosOf(next.capabilities).flatMap((ratio) => ratio.sizes.map(({ size }) => size));
    drafts.set((before) => before && withinCard(before, next, sizes));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(missing !== undefined);
    if (missing !== undefined || over > 0) return form.current?.querySelector("textarea")?.focus();
    const { count, keepSeed, ...order } = draft;
    const seed = keepSeed || easel.tasks.get().length === 0 ? draft.seed : randomSeed();
    change({ seed });
    const orders = Array.from({ length: count }, (_, i) => ({
      ...order,
      seed: (seed + i) % (MAX_SEED + 1),
      source: editing ? source : undefined,
      streaming: capabilities.streaming,
    }));
    easel.draw(orders, units);
  };
  const submitByKey = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
  };

  return (
    <form ref={form} className={styles.composer} aria-label={t.composer} onSubmit={submit}>
      <div className={styles.controls}>
        {capabilities.edits && (
          <Segmented
            label={t.mode}
            hideLabel
            value={mode}
            onValue={(value) => modes.set(() => value)}
            options={[
              { value: "words", label: t.fromWords },
              { value: "picture", label: t.fromPicture },
            ]}
          />
        )}
        {editing && (
          <Suspense>
            <SourcePanel fidelity={capabilities.input_fidelity} draft={draft} change={change} />
          </Suspense>
        )}
        <TextArea
          label={t.prompt}
          error={over > 0 ? t.tooLong(over) : tried ? missing : undefined}
          className={styles.prompt}
          rows={2}
          placeholder={editing ? t.editPlaceholder : t.promptPlaceholder}
          value={draft.prompt}
          onChange={(event) => change({ prompt: event.currentTarget.value })}
          onKeyDown={submitByKey}
        />
        {!editing && <Examples examples={capabilities.examples} onChoose={(prompt) => change({ prompt })} />}
        {models.length > 1 && (
          <Select label={t.model} value={model.id} onChange={(event) => chooseModel(event.currentTarget.value)}>
            {models.map(({ id }) => (
              <option key={id}>{id}</option>
            ))}
          </Select>
        )}
        <SizePicker ratios={ratios} value={draft.size} onValue={(size) => change({ size })}>
          {capabilities.max_images > 1 && (
            <Slider
              label={t.count}
              value={draft.count}
              min={1}
              max={capabilities.max_images}
              onValue={(count) => change({ count })}
            />
          )}
        </SizePicker>
        {capabilities.seeds && <SeedField draft={draft} change={change} />}
        <FineTuning capabilities={capabilities} draft={draft} change={change} />
      </div>
      <div className={styles.submit}>
        <Button variant="primary" size="large" type="submit">
          {editing ? <Brush aria-hidden /> : <WandSparkles aria-hidden />}
          {editing ? t.redraw(draft.count) : t.draw(draft.count)}
        </Button>
        <Cost units={units} count={draft.count} available={account.available} />
      </div>
    </form>
  );
}
