import assert from "node:assert/strict";
import { test } from "node:test";
import { parseKey, type ResponseDefault } from "@atoma/ledger";
import { startWorld } from "./support/gateway.ts";

const itemOf = (answer: { json: { data: readonly Record<string, unknown>[] } }) =>
  Object.keys(answer.json.data[0] ?? {}).filter((name) => name !== "seed");

test("what an answer carries: the request says it, or else its key, or else the gateway's setting, or else both", async () => {
  const cases: [ResponseDefault | undefined, ResponseDefault | null, string[]][] = [
    [undefined, null, ["b64_json", "url"]],
    ["url", null, ["url"]],
    ["b64_json", null, ["b64_json"]],
    ["url", "b64_json", ["b64_json"]],
    ["b64_json", "both", ["b64_json", "url"]],
    [undefined, "url", ["url"]],
  ];
  for (const [setting, ofKey, expected] of cases) {
    await using world = await startWorld({ responseFormat: setting });
    const { ledger, accountId } = world;
    const { key } = await ledger.createKey({ accountId, name: "k", responseFormat: ofKey });
    const authorization = `Bearer ${key}`;
    const items = async (fields: object) => itemOf(await world.generate({ ...fields }, { authorization })).sort();
    assert.deepEqual(await items({}), expected, `${setting}, ${ofKey}`);
    assert.deepEqual(await items({ response_format: null }), expected);
    assert.deepEqual(await items({ response_format: "url" }), ["url"]);
    assert.deepEqual(await items({ response_format: "b64_json" }), ["b64_json"]);
  }
});

test("the admin API sets what a key's answers carry, and takes it back", async () => {
  await using world = await startWorld({ adminKey: "sk-atoma-admin-test" });
  const id = parseKey(world.key)?.keyId ?? "";
  const change = async (value: unknown) => {
    const response = await fetch(`${world.gateway.url}/admin/v1/keys/${id}`, {
      method: "PATCH",
      headers: { authorization: "Bearer sk-atoma-admin-test", "content-type": "application/json" },
      body: JSON.stringify({ response_format: value }),
    });
    return { status: response.status, json: (await response.json()) as { response_format?: string; error?: object } };
  };
  assert.deepEqual(
    [(await change("url")).json.response_format, (await change(null)).json.response_format],
    ["url", null],
  );
  const { status, json } = await change("jpeg");
  assert.deepEqual(
    [status, json.error],
    [
      400,
      {
        message: "Invalid value: 'jpeg'. Supported values are: 'both', 'url', and 'b64_json'.",
        type: "invalid_request_error",
        param: "response_format",
        code: "invalid_value",
      },
    ],
  );
});

test("how long an idle connection stays open is a setting, and told in every answer", async () => {
  await using world = await startWorld({ keepAliveMs: 620_000 });
  assert.equal((await world.get("/health")).headers.get("keep-alive"), "timeout=620");
  await using usual = await startWorld();
  assert.equal((await usual.get("/health")).headers.get("keep-alive"), "timeout=65");
});
