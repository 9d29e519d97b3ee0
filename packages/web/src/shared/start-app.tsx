import "./fonts.css";
import "./tokens.css";
import "./base.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ToastProvider } from "./components/toasts.tsx";
import { LanguageProvider } from "./i18n/language.tsx";
import { applyStoredTheme } from "./theme.ts";

/** What the server said lately, by query. */
export function createQueries(): QueryClient {
  return new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: 30_000 } } });
}

/** Shows a page with all that its parts rely on: language, queries, messages. */
export function startApp(app: ReactNode, queries = createQueries()): void {
  applyStoredTheme();
  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no #root");
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <LanguageProvider>
          <ToastProvider>{app}</ToastProvider>
        </LanguageProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}
