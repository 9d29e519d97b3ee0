import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { Button, IconButton } from "../shared/components/button.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { TopBar } from "../shared/components/top-bar.tsx";
import { common } from "../shared/i18n/common.ts";
import { useTexts } from "../shared/i18n/language.tsx";
import { SignInError, signIn, signOut } from "../shared/session.ts";
import { accountQuery } from "./account.ts";
import styles from "./app.module.css";
import { SignIn } from "./sign-in.tsx";
import { shellTexts } from "./texts.ts";

/** Whether the link that led here worked; null without one. Rejects when the server cannot be reached. */
async function redeem(token: string | undefined): Promise<boolean | null> {
  if (token === undefined) return null;
  try {
    await signIn({ link: token });
    return true;
  } catch (error) {
    if (error instanceof SignInError) return false;
    throw error;
  }
}

export function App({ signInToken }: { readonly signInToken: string | undefined }) {
  const t = useTexts(shellTexts);
  const c = useTexts(common);
  const queries = useQueryClient();
  const link = useQuery({
    queryKey: ["link"],
    queryFn: () => redeem(signInToken),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const account = useQuery({ ...accountQuery, enabled: !link.isPending });
  const refresh = () => queries.invalidateQueries({ queryKey: accountQuery.queryKey });
  const leave = () => signOut().then(refresh);

  if (account.data === null) {
    return (
      <>
        <TopBar />
        <SignIn linkFailed={link.data === false} onSignedIn={refresh} />
      </>
    );
  }
  return (
    <>
      <TopBar
        end={
          account.data && (
            <IconButton label={c.signOut} onClick={leave}>
              <LogOut />
            </IconButton>
          )
        }
      />
      <main id="content" className={styles.content}>
        {account.isError && (
          <Notice kind="bad" title={t.unreachable} actions={<Button onClick={refresh}>{c.tryAgain}</Button>}>
            <p>{t.unreachableHelp}</p>
          </Notice>
        )}
        {account.data && <p>{account.data.available}</p>}
      </main>
    </>
  );
}
