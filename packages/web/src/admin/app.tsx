import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LogOut } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Link, Route, Router, Switch, useLocation } from "wouter";
import { Button, IconButton } from "../shared/components/button.tsx";
import { Dialog } from "../shared/components/dialog.tsx";
import { Notice } from "../shared/components/notice.tsx";
import { TopBar } from "../shared/components/top-bar.tsx";
import { common } from "../shared/i18n/common.ts";
import { useTexts } from "../shared/i18n/language.tsx";
import { AccountsView } from "./accounts/accounts-view.tsx";
import { AdminError, signOut } from "./admin-api.ts";
import styles from "./app.module.css";
import { BooksView } from "./books/books-view.tsx";
import { KeysView } from "./keys/keys-view.tsx";
import { NodesView } from "./nodes/nodes-view.tsx";
import { OverviewView } from "./overview/overview-view.tsx";
import { nodesQuery } from "./queries.ts";
import { RequestsView } from "./requests/requests-view.tsx";
import { SignIn } from "./sign-in.tsx";
import { shellTexts } from "./texts.ts";
import { UsageView } from "./usage/usage-view.tsx";

const VIEWS = [
  { path: "/", name: "overview", view: OverviewView },
  { path: "/accounts", name: "accounts", view: AccountsView },
  { path: "/keys", name: "keys", view: KeysView },
  { path: "/nodes", name: "nodes", view: NodesView },
  { path: "/usage", name: "usage", view: UsageView },
  { path: "/requests", name: "requests", view: RequestsView },
  { path: "/books", name: "books", view: BooksView },
] as const;

function NavLink({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  const [location] = useLocation();
  return (
    <Link href={to} aria-current={location === to ? "page" : undefined}>
      {children}
    </Link>
  );
}

function SignOut({ onSignedOut }: { readonly onSignedOut: () => void }) {
  const t = useTexts(shellTexts);
  const c = useTexts(common);
  const [asking, setAsking] = useState(false);
  const leave = (everywhere: boolean) => signOut(everywhere).finally(onSignedOut);
  return (
    <>
      <IconButton label={c.signOut} onClick={() => setAsking(true)}>
        <LogOut />
      </IconButton>
      {asking && (
        <Dialog title={c.signOut} onClose={() => setAsking(false)}>
          <p className={styles.help}>{t.signOutHelp}</p>
          <div className={styles.actions}>
            <Button variant="danger" onClick={() => leave(true)}>
              {t.signOutEverywhere}
            </Button>
            <Button variant="primary" onClick={() => leave(false)}>
              {t.signOutHere}
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** Signed in as long as the admin API says so: every view asks it, and so does this, every two seconds. */
export function App() {
  const t = useTexts(shellTexts);
  const queries = useQueryClient();
  const session = useQuery({ ...nodesQuery, select: () => true });
  const ended = session.error instanceof AdminError && session.error.status === 401;
  const again = () => queries.resetQueries();

  if (ended) {
    return (
      <>
        <TopBar />
        <SignIn onSignedIn={again} />
      </>
    );
  }
  const nav = VIEWS.map(({ path, name }) => (
    <NavLink key={name} to={path}>
      {t[name]}
    </NavLink>
  ));
  return (
    <Router base="/admin">
      <TopBar end={session.data && <SignOut onSignedOut={again} />} />
      <div className={styles.frame}>
        <nav className={styles.nav} aria-label={t.views}>
          {nav}
        </nav>
        <main id="content" className={styles.content}>
          {session.isError && (
            <Notice kind="bad" title={t.unreachable}>
              <p>{t.unreachableHelp}</p>
            </Notice>
          )}
          {session.data && (
            <Switch>
              {VIEWS.map(({ path, name, view: View }) => (
                <Route key={name} path={path}>
                  <View />
                </Route>
              ))}
              <Route>
                <Notice kind="info" title={t.noView} />
              </Route>
            </Switch>
          )}
        </main>
      </div>
    </Router>
  );
}
