import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Notice } from "../../shared/components/notice.tsx";
import { common } from "../../shared/i18n/common.ts";
import { useTexts } from "../../shared/i18n/language.tsx";
import { AdminError } from "../admin-api.ts";
import { shellTexts } from "../texts.ts";
import styles from "./view.module.css";

/** A view's heading, and what can be done in it. */
export function ViewHead({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className={styles.head}>
      <h1>{title}</h1>
      {children !== undefined && <div className={styles.actions}>{children}</div>}
    </div>
  );
}

/** What went wrong, in the server's words where it has some. */
export function Failure({ error }: { readonly error: Error }) {
  const t = useTexts(shellTexts);
  const c = useTexts(common);
  if (!(error instanceof AdminError)) return <Notice kind="bad" title={t.unreachable} />;
  const details = error.requestId === undefined ? undefined : c.requestId(error.requestId);
  return <Notice kind="bad" title={error.message} details={details} />;
}

/** What a query found, once it is there; what went wrong stands above what was known before. */
export function Loaded<T>({
  query,
  children,
}: {
  readonly query: UseQueryResult<T>;
  readonly children: (data: T) => ReactNode;
}) {
  const c = useTexts(common);
  return (
    <>
      {query.error && <Failure error={query.error} />}
      {query.data !== undefined ? children(query.data) : query.isPending && <p aria-live="polite">{c.loading} …</p>}
    </>
  );
}

export function Panel({ title, children }: { readonly title?: ReactNode; readonly children: ReactNode }) {
  return (
    <section className={styles.panel}>
      {title !== undefined && <h2>{title}</h2>}
      {children}
    </section>
  );
}
