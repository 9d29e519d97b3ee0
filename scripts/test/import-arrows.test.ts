import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = new URL("../../", import.meta.url).pathname;

/** Which packages a package's sources may import; the arrows of docs/architecture.md. */
const ARROWS: Record<string, readonly string[]> = {
  contract: [],
  sdk: [],
  ledger: ["@atoma/contract"],
  engine: ["@atoma/contract"],
  http: ["@atoma/contract"],
  node: ["@atoma/contract", "@atoma/engine", "@atoma/http"],
  gateway: ["@atoma/contract", "@atoma/http", "@atoma/ledger"],
  web: ["@atoma/contract", "atoma-sdk"],
  cli: ["@atoma/contract", "@atoma/engine", "@atoma/ledger", "@atoma/node", "@atoma/gateway", "atoma-sdk"],
};

/**
 * Which of these folders of the gateway may import which: a request goes from `generate` to the nodes, and from there to what is
 * sent to one of them. Folders that are not named may be imported by all.
 */
const GATEWAY_ARROWS: Record<string, readonly string[]> = {
  generate: ["nodes", "upstream", "dialects", "routing"],
  nodes: ["upstream", "dialects", "routing"],
  upstream: ["dialects", "routing"],
  dialects: [],
  routing: [],
};

/** Packages whose files import each other in circles, types included; the others must not. */
const WITH_CIRCLES: readonly string[] = ["contract", "sdk", "cli"];

function importsOf(file: string): string[] {
  const text = readFileSync(root + file, "utf8");
  return [...text.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "");
}

const sources = (name: string) => globSync(`packages/${name}/src/**/*.{ts,tsx}`, { cwd: root });

for (const [name, allowed] of Object.entries(ARROWS)) {
  test(`${name} imports only what the arrows allow`, () => {
    const files = sources(name);
    assert.ok(files.length > 0);
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        const own = /^(?:@atoma\/[a-z]+|atoma-sdk)/.exec(specifier)?.[0];
        if (own) assert.ok(allowed.includes(own), `${file} imports ${specifier}`);
        assert.ok(!/^(?:\.\.\/)+packages\//.test(specifier), `${file} reaches into ${specifier}`);
      }
    }
  });
}

/** The files of the same package that a file imports. */
function ownImportsOf(file: string): string[] {
  return importsOf(file).flatMap((specifier) => (specifier.startsWith(".") ? [join(dirname(file), specifier)] : []));
}

test("the gateway's folders import only along the way of a request", () => {
  const folderOf = (file: string) => file.split("/").slice(3, -1)[0] ?? "";
  for (const [folder, allowed] of Object.entries(GATEWAY_ARROWS)) {
    const files = globSync(`packages/gateway/src/${folder}/**/*.ts`, { cwd: root });
    assert.ok(files.length > 0, folder);
    for (const file of files) {
      for (const imported of ownImportsOf(file)) {
        const other = folderOf(imported);
        const known = other === folder || !(other in GATEWAY_ARROWS);
        assert.ok(known || allowed.includes(other), `${file} imports ${imported}`);
      }
    }
  }
});

/** A circle of files that import each other, or undefined. */
function circleIn(files: readonly string[]): string[] | undefined {
  const done = new Set<string>();
  const path: string[] = [];
  function visit(file: string): string[] | undefined {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    path.push(file);
    for (const imported of ownImportsOf(file)) {
      const circle = visit(imported);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return undefined;
  }
  for (const file of files) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return undefined;
}

for (const name of Object.keys(ARROWS).filter((name) => !WITH_CIRCLES.includes(name))) {
  test(`${name} has no circle of imports`, () => {
    assert.deepEqual(circleIn(sources(name)) ?? [], []);
  });
}

test("contract is pure: no Node built-ins", () => {
  for (const file of sources("contract")) {
    for (const specifier of importsOf(file)) assert.doesNotMatch(specifier, /^node:/, file);
  }
});

test("the SDK ships without dependencies", () => {
  const manifest = JSON.parse(readFileSync(`${root}packages/sdk/package.json`, "utf8"));
  assert.equal(manifest.dependencies, undefined);
  assert.equal(manifest.peerDependencies, undefined);
  assert.equal(manifest.scripts?.install ?? manifest.scripts?.postinstall, undefined);
});
