import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../shared/components/button.tsx";
import { TextField } from "../shared/components/field.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { common } from "../shared/i18n/common.ts";
import { useTexts } from "../shared/i18n/language.tsx";
import { AdminError, signIn } from "./admin-api.ts";
import styles from "./sign-in.module.css";
import { shellTexts, signInTexts } from "./texts.ts";

/** Asks for the admin key. */
export function SignIn({ onSignedIn }: { readonly onSignedIn: () => void }) {
  const t = useTexts(signInTexts);
  const s = useTexts(shellTexts);
  const c = useTexts(common);
  const [adminKey, setAdminKey] = useState("");
  const attempt = useMutation({ mutationFn: () => signIn(adminKey), onSuccess: onSignedIn });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (adminKey.trim() !== "") attempt.mutate();
  };
  const status = attempt.error instanceof AdminError ? attempt.error.status : undefined;
  const wrong = status === 429 ? t.tooMany : status === 401 ? t.wrongKey : undefined;
  return (
    <main id="content" className={styles.page}>
      <h1>{t.title}</h1>
      <form className={styles.form} onSubmit={submit}>
        <TextField
          label={t.key}
          hint={t.keyHelp}
          error={wrong}
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="sk-atoma-admin-…"
          value={adminKey}
          onChange={(event) => setAdminKey(event.currentTarget.value)}
        />
        <Button variant="primary" size="large" type="submit" disabled={attempt.isPending}>
          <KeyRound aria-hidden />
          {c.signIn}
        </Button>
        {attempt.isError && wrong === undefined && (
          <Notice kind="bad" title={s.unreachable}>
            <p>{s.unreachableHelp}</p>
          </Notice>
        )}
      </form>
    </main>
  );
}
