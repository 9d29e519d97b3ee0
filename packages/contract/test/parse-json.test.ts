import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
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

test("a member that stands twice in an object is refused by its name, also nested and escaped in different ways", () => {
  const rows: [string, string][] = [
    ['{"n":1,"n":5}', "n"],
    ['{"prompt":"a","pr\\u006fmpt":"b"}', "prompt"],
    ['{"a":{"b":1},"c":{"b":2,"b":[]}}', "c.b"],
    ['{"images":[{"x":"]}"},{"image_url":"a\\"","image_url":"b"}]}', "images[1].image_url"],
    ['{"mask":{"image_url":"a","image_url":"a"},"n":1}', "mask.image_url"],
    ['{"__proto__":1,"__proto__":2}', "__proto__"],
    ['{"a":[[1,{"b":1}],[2,{"b":1,"b":1}]]}', "a[1][1].b"],
    ['{"":1,"":2}', ""],
    ['{"\\\\":1,"\\\\":2}', "\\"],
  ];
  for (const [text, param] of rows) {
    assert.throws(
      () => parseJsonObject(bytes(text)),
      (error) => {
        assert.ok(error instanceof ApiError);
        assert.deepEqual([error.status, error.param, error.code], [400, param, "duplicate_parameter"], text);
        return error.message === `Invalid body: '${param}' is there more than once.`;
      },
    );
  }
  const fine = '{"a":{"n":1},"b":{"n":1},"c":[{"n":1},{"n":1}],"d":"n:n:\\":","e:":1,"E:":2}';
  assert.deepEqual(parseJsonObject(bytes(fine)), JSON.parse(fine));
});

test("whatever JSON is read, members that stand twice are refused, and nothing else is", () => {
  const member = fc.tuple(fc.constantFrom("a", "b", "\\u0061", "c:", '\\"', "__proto__"), fc.json({ maxDepth: 3 }));
  fc.assert(
    fc.property(fc.array(member, { maxLength: 4 }), (members) => {
      const names = members.map(([name]) => JSON.parse(`"${name}"`));
      const text = `{${members.map(([name, value]) => `"${name}" : ${value}`).join(" , ")}}`;
      const repeated = names.find((name, i) => names.indexOf(name) < i);
      if (repeated === undefined) assert.deepEqual(parseJsonObject(bytes(text)), JSON.parse(text));
      else assert.throws(() => parseJsonObject(bytes(text)), { code: "duplicate_parameter", param: repeated });
    }),
  );
});

test("to look for members that stand twice takes time in proportion to the body", () => {
  const cpu = (count: number) => {
    const text = `{${Array.from({ length: count }, (_, i) => `"k${i}":${i}`).join(",")},"k0":1}`;
    const body = bytes(text);
    const before = process.cpuUsage();
    assert.throws(() => parseJsonObject(body), { param: "k0" });
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cpu(1000);
  // Sixteen times the members: were it quadratic, 256 times the work.
  const [small, large] = [Math.max(1000, cpu(4000)), cpu(64_000)];
  assert.ok(large < 100 * small, `${small} µs, then ${large} µs`);
});

test("a body in another encoding than UTF-8 is told apart from broken JSON, and an empty one is called empty", () => {
  const text = '{"prompt":"Möwe"}';
  for (const body of [
    Buffer.from(text, "latin1"),
    Buffer.from(text, "utf16le"),
    Buffer.from(`\uFEFF${text}`, "utf16le"),
  ]) {
    assert.throws(() => parseJsonObject(body), {
      status: 400,
      message: /it is not valid UTF-8\. \(HINT: .*PowerShell/,
    });
  }
  for (const empty of ["", " \r\n"])
    assert.throws(() => parseJsonObject(bytes(empty)), { message: /the body is empty/ });
});
