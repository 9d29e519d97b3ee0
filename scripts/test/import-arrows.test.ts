import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
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
  cli: ["@atoma/contract", "@atoma/ledger", "@atoma/node", "@atoma/gateway", "atoma-sdk"],
};

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
