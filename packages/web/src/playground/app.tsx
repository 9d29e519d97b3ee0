import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Brush, Images, LogOut } from "lucide-react";
import { lazy, type ReactNode, Suspense } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { Button, IconButton } from "../shared/components/button.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { TopBar } from "../shared/components/top-bar.tsx";
import { common } from "../shared/i18n/common.ts";
import { useLanguage, useTexts } from "../shared/i18n/language.tsx";
import { SignInError, signIn, signOut } from "../shared/session.ts";
import { type Account, accountQuery } from "./account.ts";
import styles from "./app.module.css";
import { SignIn } from "./sign-in.tsx";
import { StudioView } from "./studio-view.tsx";
import { shellTexts } from "./texts.ts";

const GalleryView = lazy(() => import("./gallery/gallery-view.tsx"));

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

function NavLink({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  const [location] = useLocation();
  return (
    <Link href={to} aria-current={location === to ? "page" : undefined}>
      {children}
    </Link>
  );
}

/** What is left, in round figures. */
function UnitsLeft({ account }: { readonly account: Account }) {
  const t = useTexts(shellTexts);
  const { locale } = useLanguage();
  const round = new Intl.NumberFormat(locale, { notation: "compact", maximumSignificantDigits: 3 });
  const exact = new Intl.NumberFormat(locale);
  return (
    <span className={styles.units} title={`${exact.format(account.available)}. ${t.unitsHelp}`}>
      {t.unitsLeft(round.format(account.available))}
    </span>
  );
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
  const nav = (
    <>
      <NavLink to="/">
        <Brush aria-hidden />
        {t.studio}
      </NavLink>
      <NavLink to="/gallery">
        <Images aria-hidden />
        {t.gallery}
      </NavLink>
    </>
  );
  const end = account.data && (
    <>
      <UnitsLeft account={account.data} />
      <IconButton label={c.signOut} onClick={leave}>
        <LogOut />
      </IconButton>
    </>
  );
  return (
    <>
      <TopBar nav={nav} end={end} />
      <main id="content">
        {account.isError && (
          <div className={styles.notice}>
            <Notice kind="bad" title={t.unreachable} actions={<Button onClick={refresh}>{c.tryAgain}</Button>}>
              <p>{t.unreachableHelp}</p>
            </Notice>
          </div>
        )}
        <Switch>
          <Route path="/gallery">
            <Suspense>
              <GalleryView />
            </Suspense>
          </Route>
          <Route>{account.data && <StudioView account={account.data} />}</Route>
        </Switch>
      </main>
    </>
  );
}
