import { useMutation } from "@tanstack/react-query";
import { ScanSearch } from "lucide-react";
import { Button } from "../../shared/components/button.tsx";
import { Notice } from "../../shared/components/notice.tsx";
import { useTexts } from "../../shared/i18n/language.tsx";
import { read } from "../admin-api.ts";
import { Failure, Panel } from "../parts/view.tsx";
import { bookTexts } from "../texts.ts";

interface Verification {
  readonly discrepancies: readonly object[];
}

/** Recomputes every balance when it is asked to. */
export function Verify() {
  const t = useTexts(bookTexts);
  const check = useMutation({ mutationFn: () => read<Verification>("/verify") });
  const found = check.data?.discrepancies;
  return (
    <Panel title={t.verify}>
      <p>{t.verifyHelp}</p>
      <div>
        <Button onClick={() => check.mutate()} disabled={check.isPending}>
          <ScanSearch aria-hidden />
          {check.isPending ? t.verifying : t.verifyNow}
        </Button>
      </div>
      {check.error && <Failure error={check.error} />}
      {found?.length === 0 && <Notice kind="good" title={t.right} />}
      {found !== undefined && found.length > 0 && (
        <Notice kind="bad" title={t.wrong(found.length)}>
          <code>{JSON.stringify(found)}</code>
        </Notice>
      )}
    </Panel>
  );
}
