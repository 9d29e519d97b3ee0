import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startWorld } from "./support/gateway.ts";
import { adminDocument, checkedFetch, document } from "./support/openapi.ts";

const world = await startWorld({ adminKey: "sk-atoma-admin-test" });
after(() => world[Symbol.asyncDispose]());

const VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const paths = { ...document.paths, ...adminDocument.paths };

for (const [path, operations] of Object.entries(paths)) {
  test(`S-065 ${path}: another method is 405, and says which are allowed, without a key`, async () => {
    const documented = VERBS.filter((verb) => verb.toLowerCase() in operations);
    const allow = documented.flatMap((verb) => (verb === "GET" ? ["GET", "HEAD"] : [verb]));
    const url = world.gateway.url + path.replaceAll(/\{\w+\}/g, "some_name");
    const others = [...VERBS.filter((verb) => !documented.includes(verb)), "PROPFIND"];
    for (const method of allow.includes("HEAD") ? others : [...others, "HEAD"]) {
      const answer = await checkedFetch(url, { method });
      assert.deepEqual([answer.status, answer.headers.get("allow")], [405, [...allow, "OPTIONS"].join(", ")], method);
    }
  });
}

test("a path below a known one is 404 for every method", async () => {
  for (const path of ["/admin/v1/nodes/a/b", "/admin/v1", "/v1/nodes", "/v1/images"]) {
    for (const method of VERBS) {
      const { status } = await checkedFetch(world.gateway.url + path, { method });
      assert.equal(status, 404, `${method} ${path}`);
    }
  }
});
