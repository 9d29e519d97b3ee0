import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { Button } from "../shared/components/button.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { common } from "../shared/i18n/common.ts";
import { useTexts } from "../shared/i18n/language.tsx";
import { randomSeed } from "../shared/random.ts";
import { useStore } from "../shared/store.ts";
import type { Account } from "./account.ts";
import { Composer } from "./compose/composer.tsx";
import { draftFor } from "./draft.ts";
import { Stage } from "./draw/stage.tsx";
import { modelsQuery } from "./model.ts";
import { usePlayground } from "./playground.ts";
import styles from "./studio-view.module.css";
import { shellTexts } from "./texts.ts";

/** The controls on one side, the pictures on the other. */
export function StudioView({ account }: { readonly account: Account }) {
  const t = useTexts(shellTexts);
  const c = useTexts(common);
  const { sdk, draft: drafts } = usePlayground();
  const models = useQuery(modelsQuery(sdk));
  const draft = useStore(drafts);
  const [first] = models.data ?? [];
  useEffect(() => {
    if (first) drafts.set((before) => before ?? draftFor(first, randomSeed()));
  }, [first, drafts]);
  const model = models.data?.find(({ id }) => id === draft?.model) ?? first;

  if (models.data?.length === 0 || models.isError) {
    return (
      <div className={styles.notice}>
        <Notice kind="bad" title={t.noModels} actions={<Button onClick={() => models.refetch()}>{c.tryAgain}</Button>}>
          <p>{t.noModelsHelp}</p>
        </Notice>
      </div>
    );
  }
  // All at once, so that nothing moves while the page appears.
  if (!models.data || !draft || !model) return null;
  return (
    <div className={styles.studio}>
      <div className={styles.controls}>
        <Composer {...{ account, draft, model }} models={models.data} />
      </div>
      <Stage />
    </div>
  );
}
