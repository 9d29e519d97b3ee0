import { type ApiError, errors } from "@atoma/contract";
import { meantPath, type Route } from "./meant-path.ts";

const ORDER = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Which methods the paths of a server know, so that 405 can be told from 404. */
export interface KnownMethods {
  /** A route: its path as routers write it, with `:name` for one segment and `*` for the rest. */
  add(path: string, methods: string | readonly string[]): void;
  /** Why a request that no route took is refused: ApiError 405 with `Allow`, or 404 with the path that was probably meant. */
  refusal(method: string, target: string): ApiError;
}

function toPattern(path: string): RegExp {
  const literal = path.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replaceAll(/:\w+/g, "[^/]+").replaceAll("*", ".+")}$`);
}

/** `everywhere` are methods that every path knows without a route of its own. */
export function knownMethods(everywhere: readonly string[] = []): KnownMethods {
  const routes = new Map<string, Route & { readonly methods: Set<string> }>();
  return {
    add(path, methods) {
      const route = routes.get(path) ?? { path, pattern: toPattern(path), methods: new Set(everywhere) };
      for (const method of [methods].flat()) route.methods.add(method);
      routes.set(path, route);
    },
    refusal(method, target) {
      const path = target.split("?", 1)[0] ?? target;
      const fitting = [...routes.values()].filter(({ pattern }) => pattern.test(path));
      const methods = new Set(fitting.flatMap((route) => [...route.methods]));
      if (methods.size > 0 && !methods.has(method)) {
        return errors.invalidMethod(method, path, ORDER.filter((known) => methods.has(known)).join(", "));
      }
      if (methods.size > 0) return errors.invalidUrl(method, path);
      const served = [...routes.values()].filter((route) => route.methods.has(method));
      return errors.invalidUrl(method, path, meantPath(path, served) ?? meantPath(path, routes.values()));
    },
  };
}
