import { randomBytes } from "node:crypto";
import type { FastifyInstance } from "fastify";
import type { Context } from "../context.ts";
import { type ApiDocument, apiIndex } from "./api-index.ts";
import { type BuiltFiles, openBuiltFiles } from "./built-files.ts";
import { dashboardRoutes, pageRoutes } from "./page-routes.ts";
import type { SessionCookie } from "./session-cookie.ts";
import { playgroundSession, sessionRoutes } from "./session-routes.ts";
import { openSignInLinks, type SignInLinks } from "./sign-in-links.ts";

/** The page in the browser: its files, and who is signed in there. */
export interface Page {
  readonly files: BuiltFiles;
  readonly session: SessionCookie;
  readonly links: SignInLinks;
}

export interface PageOptions {
  readonly now: () => number;
  readonly publicUrl: string | undefined;
  /**
   * Sessions are sealed with what is derived from it, so that they outlive a restart and hold on every gateway with the same
   * admin key; another admin key ends them. Without one they end with the process.
   */
  readonly adminKey?: string | undefined;
}

/** `folder` is the built page, which may come later. */
export function openPage(folder: string, { now, publicUrl, adminKey }: PageOptions): Page {
  const secret = adminKey ?? randomBytes(32).toString("hex");
  return {
    files: openBuiltFiles(folder),
    session: playgroundSession(secret, { now, publicUrl }),
    links: openSignInLinks(now, randomBytes),
  };
}

export function webRoutes(app: FastifyInstance, context: Context, page: Page, document: ApiDocument): void {
  pageRoutes(app, page.files, apiIndex(document));
  if (context.adminKey !== undefined) dashboardRoutes(app, page.files);
  sessionRoutes(app, context, page.session, page.links);
}
