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

test("a parse error never quotes the body", () => {
  assert.throws(
    () => parseJsonObject(bytes('{"prompt": "secret otter" oops')),
    (error) => {
      assert.ok(error instanceof Error);
      return !/otter/.test(`${error.message}${error.stack}${String(error.cause)}`);
    },
  );
});
