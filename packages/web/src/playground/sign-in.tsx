import { useMutation } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Button } from "../shared/components/button.tsx";
import { TextField } from "../shared/components/field.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { common } from "../shared/i18n/common.ts";
import { useTexts } from "../shared/i18n/language.tsx";
import { SignInError, signIn } from "../shared/session.ts";
import { Shapes } from "./shapes.tsx";
import styles from "./sign-in.module.css";
import { signInTexts } from "./texts.ts";

/** Asks for an API key. `linkFailed`: a sign-in link brought the visitor here and did not work. */
export function SignIn({ linkFailed, onSignedIn }: { readonly linkFailed: boolean; readonly onSignedIn: () => void }) {
  const t = useTexts(signInTexts);
  const c = useTexts(common);
  const [apiKey, setApiKey] = useState("");
  const attempt = useMutation({ mutationFn: () => signIn({ api_key: apiKey }), onSuccess: onSignedIn });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (apiKey.trim() !== "") attempt.mutate();
  };
  const refused = attempt.error instanceof SignInError && attempt.error.status < 500;
  return (
    <main id="content" className={styles.page}>
      <div className={styles.shapes}>
        <Shapes />
      </div>
      <h1 className={styles.title}>{t.title}</h1>
      {linkFailed && (
        <Notice kind="info" title={t.linkUsed}>
          <p>{t.linkUsedHelp}</p>
        </Notice>
      )}
      <form className={styles.form} onSubmit={submit}>
        <TextField
          label={t.key}
          hint={t.keyHelp}
          error={refused ? t.wrongKey : undefined}
          type="password"
          autoComplete="off"
          spellCheck={false}
          placeholder="sk-atoma-…"
          value={apiKey}
          onChange={(event) => setApiKey(event.currentTarget.value)}
        />
        <Button variant="primary" size="large" type="submit" disabled={attempt.isPending}>
          <KeyRound aria-hidden />
          {c.signIn}
        </Button>
        {attempt.isError && !refused && (
          <Notice kind="bad" title={t.unreachable}>
            <p>{t.unreachableHelp}</p>
          </Notice>
        )}
      </form>
    </main>
  );
}
