import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, parseJsonObject } from "../src/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("S-021 a byte order mark is no part of the JSON", () => {
  assert.deepEqual(parseJsonObject(bytes('\uFEFF{"a":1}')), { a: 1 });
});

test("S-055 a body that is not an object", () => {
  for (const text of ["[]", '"x"', "5", "null", "true"]) {
    assert.throws(
      () => parseJsonObject(bytes(text)),
      (error) => {
        assert.ok(error instanceof ApiError);
        assert.match(error.message, /must be a JSON object/);
        assert.equal(error.code, null);
        return error.status === 400;
      },
    );
  }
});

test("S-056 broken JSON and broken UTF-8", () => {
  for (const text of ["", "{", '{"a":}', '{"a":1} x', "{'a':1}"]) {
    assert.throws(() => parseJsonObject(bytes(text)), { status: 400, message: /could not parse the JSON body/ });
  }
  assert.throws(() => parseJsonObject(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), { status: 400 });
});

test("S-056 nesting is bounded before it is parsed; brackets in strings do not count", () => {
  assert.throws(() => parseJsonObject(bytes("[".repeat(100_000))), { message: /nested too deeply/ });
  assert.throws(() => parseJsonObject(bytes(`{"a":${"[".repeat(32)}${"]".repeat(32)}}`)), { message: /nested/ });
  const text = `${"[{".repeat(50)}\\"[`;
  assert.equal(parseJsonObject(bytes(`{"a":"${text}"}`)).a, text.replace("\\", ""));
});

test("S-056 S-070 large bodies are looked through by their strings; what is not strings in them is bounded", () => {
  const padding = "A".repeat(8 * 2 ** 20);
  const escapes = '\\"[{\\\\'.repeat(1000);
  const body = parseJsonObject(bytes(`{"a":"${padding}","b":"${escapes}","c":["${padding}",{"d":1}]}`));
  assert.deepEqual(Object.keys(body), ["a", "b", "c"]);
  assert.equal(body.b, '"[{\\'.repeat(1000));
  assert.throws(() => parseJsonObject(bytes(`{"a":"${padding}\\"","b":${"[".repeat(40)}`)), { message: /nested/ });
  for (const text of [
    `{"a":1${" ".repeat(5 * 2 ** 20)}}`,
    `{"a":"${"\\".repeat(10 * 2 ** 20)}"}`,
    `{"a":"${'\\"'.repeat(300_000)}"}`,
    `{${'"a":1,'.repeat(300_000)}"b":1}`,
  ]) {
    assert.throws(() => parseJsonObject(bytes(text)), { status: 400, message: /too many values/ }, text.slice(0, 20));
  }
  for (const text of ['{"a":"', '{"a":"\\"', '{"a":"\\\\\\"}']) {
    assert.throws(() => parseJsonObject(bytes(text)), { message: /could not parse/ });
  }
});

test("a parse error never quotes the body", () => {
  assert.throws(
    () => parseJsonObject(bytes('{"prompt": "secret otter" oops')),
    (error) => {
      assert.ok(error instanceof Error);
      return !/otter/.test(`${error.message}${error.stack}${String(error.cause)}`);
    },
  );
});
