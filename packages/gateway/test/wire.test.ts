import assert from "node:assert/strict";
import { after, test } from "node:test";
import { startWorld } from "./support/gateway.ts";
import { sendRaw, statusOf } from "./support/raw.ts";
import { card, startScriptedNode } from "./support/scripted-node.ts";

const fixed = { kind: "fixed", values: ["1024x1024", "1024x1536"] } as const;
const node = await startScriptedNode([
  card,
  { ...card, id: "fixed", sizes: fixed, defaultSize: "1024x1024", transparentBackground: false, streaming: false },
]);
const world = await startWorld({ nodes: [{ name: "n1", url: node.url, token: "t" }] });
after(async () => {
  await world[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});
const PATH = "/v1/images/generations";

/** Posts a valid request with these fields as JSON text, so that numbers stay as they are written. */
const send = (fields: string) => world.post(`{"model":"scripted","prompt":"p"${fields === "" ? "" : `,${fields}`}}`);

type Refusal = [code: string | null, param: string | null, message: string];

async function refused(fields: string, [code, param, message]: Refusal, status = 400): Promise<void> {
  const answer = await send(fields);
  assert.equal(answer.status, status, `${fields}: ${answer.text.slice(0, 200)}`);
  assert.deepEqual(answer.json, { error: { message, type: "invalid_request_error", param, code } }, fields);
}

const typeError = (param: string, expected: string, got: string): Refusal => [
  "invalid_type",
  param,
  `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`,
];
const below = (param: string, min: number, got: string, kind = "integer"): Refusal => [
  `${kind}_below_min_value`,
  param,
  `Invalid '${param}': ${kind} below minimum value. Expected a value >= ${min}, but got ${got} instead.`,
];
const above = (param: string, max: number, got: string, kind = "integer"): Refusal => [
  `${kind}_above_max_value`,
  param,
  `Invalid '${param}': ${kind} above maximum value. Expected a value <= ${max}, but got ${got} instead.`,
];
const notJson =
  "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The API expects a JSON payload, but what was sent was not valid JSON.)";

test("S-030 S-031 S-032 S-034 n, however it is written", async () => {
  for (const one of ["1.0", "1e0", "10e-1", "0.1e1", "null"]) {
    const { status, json } = await send(`"n":${one}`);
    assert.deepEqual([status, json.data?.length], [200, 1], one);
  }
  await refused('"n":0', below("n", 1, "0"));
  await refused('"n":-0', below("n", 1, "0"));
  await refused('"n":-1', below("n", 1, "-1"));
  await refused('"n":1e-400', below("n", 1, "0"));
  await refused('"n":11', above("n", 10, "11"));
  await refused('"n":1e2', above("n", 10, "100"));
  // Beyond 2^53 JSON's numbers are not told apart, so which one was sent is not known.
  await refused('"n":9007199254740991', above("n", 10, "9007199254740991"));
  await refused('"n":9007199254740993', above("n", 10, "a number above 9007199254740991"));
  await refused('"n":-9007199254740993', below("n", 1, "a number below -9007199254740991"));
  await refused('"n":1e400', above("n", 10, "a number above 1e308"));
  await refused('"n":-1e400', below("n", 1, "a number below -1e308"));
  await refused('"n":1.5', typeError("n", "an integer", "a decimal number"));
  const others = { '"2"': "a string", true: "a boolean", "[]": "an array", "[1]": "an array", "{}": "an object" };
  for (const [value, name] of Object.entries(others)) await refused(`"n":${value}`, typeError("n", "an integer", name));
});

test("S-035 S-036 S-037 prompt and model", async () => {
  const body = async (text: string, expected: Refusal, status = 400) => {
    const answer = await world.post(text);
    const [code, param, message] = expected;
    assert.equal(answer.status, status, text);
    assert.deepEqual(answer.json, { error: { message, type: "invalid_request_error", param, code } }, text);
  };
  const missing = (param: string): Refusal => [
    "missing_required_parameter",
    param,
    `Missing required parameter: '${param}'.`,
  ];
  await body("{}", missing("model"));
  await body('{"model":"scripted"}', missing("prompt"));
  await body('{"model":"scripted","prompt":null}', typeError("prompt", "a string", "null"));
  await body('{"model":"scripted","prompt":[]}', typeError("prompt", "a string", "an array"));
  const empty =
    "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.";
  await body('{"model":"scripted","prompt":""}', ["empty_string", "prompt", empty]);
  await body('{"model":null,"prompt":"p"}', typeError("model", "a string", "null"));
  for (const model of ["nope", "", "  ", " scripted", "Scripted", "__proto__", "constructor", "a/b", "a\\u0000b"]) {
    const message = `The model '${JSON.parse(`"${model}"`)}' does not exist. Models that you may use: 'scripted', 'fixed'.`;
    await body(`{"model":"${model}","prompt":"p"}`, ["model_not_found", "model", message], 404);
  }
});

test("S-017 S-018 prompts of every kind of text reach the node as they were", async () => {
  for (const prompt of ["   ", "\u0000", "a\nb", "🎨", "\ud800", "é".repeat(100), "\u202e", '"\\', "<script>"]) {
    assert.equal((await world.generate({ prompt })).status, 200, JSON.stringify(prompt));
    assert.equal(node.requests.at(-1)?.job.prompt, prompt);
  }
  assert.equal((await world.generate({ prompt: "🎨".repeat(32_000) })).status, 200);
  const { json } = await world.generate({ prompt: "🎨".repeat(32_001) });
  assert.equal(
    json.error.message,
    "Invalid 'prompt': string too long. Expected a string with maximum length 32000, but got a string with length 32001 instead.",
  );
});

test("S-038 S-039 unknown keys, before the prompt and all that follows", async () => {
  for (const key of [
    "bogus",
    "responseFormat",
    "Model",
    "N",
    "input_fidelity",
    "mask",
    "images",
    "image",
    "toString",
  ]) {
    await refused(`"${key}":null,"n":0`, ["unknown_parameter", key, `Unknown parameter: '${key}'.`]);
  }
  await refused('"__proto__":{"n":2}', ["unknown_parameter", "__proto__", "Unknown parameter: '__proto__'."]);
  await refused('"b":1,"a":2', ["unknown_parameter", "b", "Unknown parameter: 'b'."]);
  await refused('"":1', ["unknown_parameter", "", "Unknown parameter: ''."]);
});

test("a member that stands twice is refused, escaped or not, and nothing is made", async () => {
  const before = world.node.requests.length;
  const twice = (name: string): Refusal => [
    "duplicate_parameter",
    name,
    `Invalid body: '${name}' is there more than once.`,
  ];
  await refused('"n":1,"n":5', twice("n"));
  await refused('"n":1,"n":1', twice("n"));
  await refused('"n":1,"\\u006e":2', twice("n"));
  await refused('"pr\\u006fmpt":"q"', twice("prompt"));
  await refused('"bogus":{"a":1,"a":2}', twice("bogus.a"));
  assert.equal(world.node.requests.length, before);
});

test("S-040 S-041 S-042 S-043 sizes", async () => {
  const shapes = ["bogus", "0x0", "", "64", "64x", "x64", "64X64", " 64x64", "64x64 ", "64x64\\n", "64x64x1", "64*64"];
  const odd = ["64×64", "+64x64", "-64x64", "1e3x1e3", "64.0x64", "064x64", "６４x64", "64xfoox64", "AUTO"];
  for (const size of [...shapes, ...odd, "99999999999999999999x64", "100000x100000"]) {
    const shown = JSON.parse(`"${size}"`);
    const message = `Invalid size '${shown}'. Expected WIDTHxHEIGHT, for example '1824x1024'.`;
    await refused(`"size":"${size}"`, ["invalid_value", "size", message]);
  }
  const rules: [string, string][] = [
    ["72x64", "Width and height must both be divisible by 16."],
    ["4096x4096", "The longest edge must be less than or equal to 3840."],
    ["256x64", "The ratio of the longer to the shorter edge must not exceed 3:1."],
    ["48x64", "Requested resolution is below the current minimum pixel budget."],
    ["3840x3840", "Requested resolution is above the current maximum pixel budget."],
  ];
  for (const [size, reason] of rules) {
    await refused(`"size":"${size}"`, ["invalid_value", "size", `Invalid size '${size}'. ${reason}`]);
    const [width, height] = size.split("x");
    await refused(`"width":${width},"height":${height}`, [
      "invalid_value",
      "size",
      `Invalid size '${size}'. ${reason}`,
    ]);
  }
  await refused('"size":64', typeError("size", "a string", "an integer"));
  await refused('"size":[]', typeError("size", "a string", "an array"));
});

test("S-040 S-041 S-049 S-109 a model of fixed sizes, without transparency and without streams", async () => {
  const model = (fields: string) => refusedBy(`{"model":"fixed","prompt":"p",${fields}}`);
  const refusedBy = async (body: string) => (await world.post(body)).json.error;
  const values = "'1024x1024', '1024x1536', and 'auto'";
  for (const size of ["512x512", "", "bogus"]) {
    assert.deepEqual(await model(`"size":"${size}"`), {
      message: `Invalid value: '${size}'. Supported values are: ${values}.`,
      type: "invalid_request_error",
      param: "size",
      code: "invalid_value",
    });
  }
  const expected = "expected one of '1024x1024', '1024x1536', or 'auto', but got an integer instead.";
  assert.equal((await model('"size":1024')).message, `Invalid type for 'size': ${expected}`);
  assert.equal(
    (await model('"background":"transparent"')).message,
    "Transparent background is not supported for this model.",
  );
  const stream = await world.generate({ model: "fixed", stream: true });
  assert.deepEqual([stream.status, stream.json.error.param], [400, "stream"]);
  assert.equal(stream.json.error.code, "unsupported_parameter");
  assert.equal(
    (await world.generate({ model: "fixed", stream: false, background: "opaque", size: "auto" })).status,
    200,
  );
});

test("S-044 S-054 the size is judged before what follows it", async () => {
  const conflict = "Invalid size '128x128'. It does not agree with width 64 and height 64.";
  const half: Refusal = ["missing_required_parameter", "height", "Missing required parameter: 'height'."];
  await refused('"size":"128x128","width":64,"height":64', ["invalid_value", "size", conflict]);
  await refused('"quality":"x","size":"128x128","width":64,"height":64', ["invalid_value", "size", conflict]);
  await refused('"quality":"x","width":64', half);
  await refused('"quality":"x","width":64,"height":null', half);
  await refused('"n":0,"size":"x","quality":"y"', below("n", 1, "0"));
  await refused('"quality":"x","seed":-1', [
    "invalid_value",
    "quality",
    "Invalid value: 'x'. Supported values are: 'standard', 'hd', 'low', 'medium', 'high', and 'auto'.",
  ]);
  await refused('"width":"64","height":64', typeError("width", "an integer", "a string"));
});

test("S-045 to S-053 the remaining fields", async () => {
  await refused('"style":[]', typeError("style", "one of 'vivid' or 'natural'", "an array"));
  await refused('"output_compression":"50"', typeError("output_compression", "an integer", "a string"));
  await refused('"output_compression":101', above("output_compression", 100, "101"));
  await refused('"output_compression":99', [
    "invalid_png_output_compression",
    "output_compression",
    "Output compression below 100 is not supported for PNG output format.",
  ]);
  await refused('"output_format":"jpeg","background":"transparent"', [
    "invalid_value",
    "background",
    "Transparent background is not supported for JPEG output format",
  ]);
  await refused('"stream":"true"', typeError("stream", "a boolean", "a string"));
  await refused('"partial_images":4', above("partial_images", 3, "4"));
  await refused('"user":{}', typeError("user", "a string", "an object"));
  await refused('"seed":4294967296', above("seed", 4_294_967_295, "4294967296"));
  await refused('"steps":51', above("steps", 50, "51"));
  await refused('"steps":4,"num_inference_steps":5', [
    "invalid_value",
    "num_inference_steps",
    "'num_inference_steps' is 5, but its alias 'steps' is 4.",
  ]);
  await refused('"guidance_scale":-0.5', below("guidance_scale", 0, "-0.5", "decimal"));
  await refused('"guidance_scale":20.5', above("guidance_scale", 20, "20.5", "decimal"));
  await refused('"guidance_scale":true', typeError("guidance_scale", "a decimal number", "a boolean"));
  await refused('"negative_prompt":1', typeError("negative_prompt", "a string", "an integer"));
  for (const fields of [
    '"user":123',
    '"user":true',
    '"seed":-0',
    '"seed":1e3',
    '"guidance_scale":7',
    '"steps":null,"num_inference_steps":4',
    '"partial_images":3',
    '"output_compression":100',
    '"negative_prompt":""',
  ]) {
    assert.equal((await send(fields)).status, 200, fields);
  }
});

test("S-055 S-056 bodies that are no JSON object, each with its whole envelope", async () => {
  const valid = '{"model":"scripted","prompt":"p"}';
  const wrongBytes = (bytes: number[]) =>
    Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]);
  const texts = [
    "{",
    '{"a":}',
    `${valid}x`,
    `${valid}${valid}`,
    "\uFEFF\uFEFF{}",
    "{'a':1}",
    '{"a":1,}',
    "/**/{}",
    '{"n":NaN}',
    '{"n":01}',
    "\f{}",
    '{"a":"\n"}',
  ];
  const bytes = [
    Buffer.from(valid, "utf16le"),
    wrongBytes([0xff]),
    wrongBytes([0xc0, 0xaf]),
    wrongBytes([0xed, 0xa0, 0x80]),
  ];
  const parse = "We could not parse the JSON body of your request";
  const rows: [readonly (string | Buffer)[], (message: string) => boolean][] = [
    [texts, (message) => message === notJson],
    [bytes, (message) => message.startsWith(`${parse}: it is not valid UTF-8. (HINT: `)],
    [["", "  "], (message) => message === `${parse}: the body is empty.`],
  ];
  for (const [bodies, isRight] of rows) {
    for (const body of bodies) {
      const { status, json } = await world.post(body);
      const { message, ...rest } = json.error;
      assert.deepEqual([status, rest], [400, { type: "invalid_request_error", param: null, code: null }], String(body));
      assert.ok(isRight(message), `${body}: ${message}`);
    }
  }
  const kinds = {
    "[]": "an array",
    [`[${valid}]`]: "an array",
    '"x"': "a string",
    "5": "an integer",
    "0.5": "a decimal number",
    null: "null",
    true: "a boolean",
  };
  for (const [body, kind] of Object.entries(kinds)) {
    const message = `Invalid body: the request must be a JSON object, but got ${kind} instead.`;
    assert.deepEqual((await world.post(body)).json.error, {
      message,
      type: "invalid_request_error",
      param: null,
      code: null,
    });
  }
  for (const body of ["[".repeat(100_000), `${'{"a":'.repeat(1000)}1${"}".repeat(1000)}`]) {
    const { status, json } = await world.post(body);
    assert.deepEqual([status, json.error.code], [400, null]);
    assert.match(json.error.message, /^We could not parse the JSON body of your request/);
  }
  assert.equal((await world.post(` \r\n\t${valid} \n`)).status, 200);
});

test("S-020 S-069 S-074 media types and codings, after the key", async () => {
  const body = '{"model":"scripted","prompt":"p"}';
  for (const type of [
    "application/json;",
    "application/json ; x=y",
    'application/json; charset="utf-8"',
    "APPLICATION/JSON",
  ]) {
    assert.equal((await world.post(body, { "content-type": type })).status, 200, type);
  }
  for (const type of [
    "json",
    "",
    "application/json, text/plain",
    "text/json",
    "application/vnd.api+json",
    "application/json+x",
  ]) {
    const { status, json, headers } = await world.post(body, { "content-type": type });
    assert.deepEqual([status, json.error.code, json.error.param], [415, "unsupported_content_type", null], type);
    assert.equal(headers.get("accept-post"), "application/json");
    assert.equal((await world.post(body, { "content-type": type, authorization: "Bearer x" })).status, 401, type);
  }
  for (const coding of ["identity", "Identity", ""]) {
    assert.equal((await world.post(body, { "content-encoding": coding })).status, 200, coding);
  }
  for (const coding of ["gzip", "br", "identity, gzip", "deflate"]) {
    assert.equal((await world.post(body, { "content-encoding": coding })).status, 415, coding);
  }
  for (const accept of ["*/*", "text/html", "image/png", "text/event-stream", ""]) {
    const { status, headers } = await world.post(body, { accept });
    assert.deepEqual([status, headers.get("content-type")], [200, "application/json; charset=utf-8"], accept);
  }
});

test("S-022 S-073 transfer codings: chunks are read, nothing else is guessed", async () => {
  const body = '{"model":"scripted","prompt":"p","response_format":"url"}';
  const chunk = `${body.length.toString(16)};extension=1\r\n${body}\r\n0\r\nTrailer: 1\r\n\r\n`;
  const post = (headers: string, content: string) =>
    sendRaw(
      world.gateway.port,
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${world.key}\r\ncontent-type: application/json\r\n${headers}connection: close\r\n\r\n${content}`,
    );
  assert.equal(statusOf(await post("transfer-encoding: chunked\r\n", chunk)), 200);
  assert.equal(statusOf(await post("Transfer-Encoding:\tCHUNKED\r\n", chunk)), 200);
  const wrong: [string, string][] = [
    ["transfer-encoding: gzip, chunked\r\n", chunk],
    ["transfer-encoding: chunked, identity\r\n", chunk],
    ["transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", chunk],
    ["transfer-encoding: xchunked\r\n", chunk],
    ["transfer-encoding : chunked\r\n", chunk],
    ["transfer-encoding: chunked\r\n", `zz\r\n${body}\r\n0\r\n\r\n`],
    ["content-length: +2\r\n", "{}"],
    ["content-length: 2, 2\r\n", "{}"],
    ["content-length: 0x2\r\n", "{}"],
    ["content-length: -1\r\n", "{}"],
    ["content-length: 99999999999999999999999\r\n", "{}"],
    ["x: a\rb\r\ncontent-length: 2\r\n", "{}"],
    ["x: a\0b\r\ncontent-length: 2\r\n", "{}"],
    ["x: a\r\n folded\r\ncontent-length: 2\r\n", "{}"],
  ];
  for (const [headers, content] of wrong) {
    const text = await post(headers, content);
    assert.equal(statusOf(text), 400, headers);
    assert.match(text, /^x-request-id: req_[0-9a-f]{32}\r$/im);
    assert.match(text, /^cache-control: no-store\r$/im);
    assert.match(text, /^connection: close\r$/im);
  }
  assert.equal(statusOf(await post("", "")), 400, "no body at all is no JSON");
});

test("an expectation is met once the key is known, and no earlier", async () => {
  const body = '{"model":"scripted","prompt":"p","response_format":"url"}';
  const post = (key: string, expect: string) =>
    sendRaw(
      world.gateway.port,
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\nexpect: ${expect}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
      body,
    );
  assert.match(await post(world.key, "100-continue"), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  assert.equal(statusOf(await post("nobody", "100-continue")), 401);
  assert.equal(statusOf(await post(world.key, "200-ok")), 200);
});

test("S-061 every form of the Authorization header", async () => {
  const get = (authorization: string) =>
    sendRaw(
      world.gateway.port,
      `GET /v1/models HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\nconnection: close\r\n\r\n`,
    );
  for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"])
    assert.equal(statusOf(await get(`${scheme} ${world.key}`)), 200);
  assert.equal(statusOf(await get(`Bearer   ${world.key}`)), 200);
  const rows: [string, RegExp][] = [
    ["", /You didn't provide an API key\./],
    ["Bearer", /The Authorization header has the scheme Bearer, but no key after it\./],
    ["bearer  ", /The Authorization header has the scheme Bearer, but no key after it\./],
    [`Bearer ${world.key} x`, /has characters after the scheme Bearer that no key has\./],
    [`Bearer ${world.key}\u00e9`, /has characters after the scheme Bearer that no key has\./],
    ...["\t", ":", ": ", "=", ","].map((between): [string, RegExp] => [
      `Bearer${between}${world.key}`,
      /has something other than blanks between the scheme Bearer and the key\./,
    ]),
    ...[world.key, `Bearers ${world.key}`, `Token ${world.key}`, `Basic ${btoa(`:${world.key}`)}`].map(
      (value): [string, RegExp] => [value, /does not begin with the scheme Bearer\./],
    ),
  ];
  for (const [value, message] of rows) {
    const text = await get(value);
    assert.equal(statusOf(text), 401, value);
    assert.match(text, /^www-authenticate: Bearer\r$/im);
    assert.match(text, new RegExp(`"message":".*${message.source}.*"code":null`));
    assert.ok(!text.includes(world.key.slice(-8)), "nothing of what was sent");
  }
  for (const value of [`${world.key},`, `"${world.key}"`, "null", "sk-", "k".repeat(20_000), world.key.toUpperCase()]) {
    const text = await get(`Bearer ${value}`);
    assert.equal(statusOf(text), 401, value);
    assert.match(text, /"message":"Incorrect API key provided: .{0,20}\."/);
    assert.match(text, /"code":"invalid_api_key"/);
  }
});

test("S-065 S-067 methods and paths to the letter", async () => {
  const ask = async (method: string, path: string, headers = "") => {
    const key = `authorization: Bearer ${world.key}\r\n`;
    const text = await sendRaw(
      world.gateway.port,
      `${method} ${path} HTTP/1.1\r\nhost: x\r\n${key}${headers}connection: close\r\n\r\n`,
    );
    return { status: statusOf(text), allow: /^allow: (.*)\r$/im.exec(text)?.[1], text };
  };
  const reading = "GET, HEAD, OPTIONS";
  for (const [path, allow] of [
    [PATH, "POST, OPTIONS"],
    ["/v1/images/edits", "POST, OPTIONS"],
    ["/v1/models", reading],
    ["/v1/models/a/b", reading],
    ["/health", reading],
    ["/openapi.json", reading],
    ["/v1/images/files/x", reading],
  ] as const) {
    for (const method of ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "QUERY", allow === reading ? "POST" : "GET"]) {
      const answer = await ask(method, path);
      assert.deepEqual([answer.status, answer.allow], [405, allow], `${method} ${path}`);
      assert.ok(
        answer.text.endsWith(
          `{"error":{"message":"Invalid method for URL (${method} ${path})","type":"invalid_request_error","param":null,"code":null}}`,
        ),
      );
    }
  }
  const unknown = [
    "/v1/images/variations",
    "/v1/chat/completions",
    "/v2/chat",
    "/v1",
    "/",
    `/v1/images/generations/${"x".repeat(3000)}/y`,
  ];
  for (const path of unknown) {
    const { status, text } = await ask("POST", path);
    assert.equal(status, 404, path);
    const shown = path.length > 200 ? `${path.slice(0, 200)}…` : path;
    assert.ok(Buffer.from(text, "latin1").toString().includes(`"message":"Invalid URL (POST ${shown})"`), path);
    assert.match(text, /^access-control-allow-origin: \*\r$/im);
  }
  const file = `/v1/images/files/${"a".repeat(30)}.png`;
  for (const [method, path, meant] of [
    ["POST", "/v1/images/generations/", PATH],
    ["POST", "//v1/images/generations", PATH],
    ["POST", "/v1//images/generations", PATH],
    ["POST", "/V1/Images/Generations", PATH],
    ["POST", "/v1/./images/generations", PATH],
    ["POST", "/v1/images%2Fgenerations", PATH],
    ["POST", "/v1/images/generations%00", PATH],
    ["POST", "/v1/images/generations%", PATH],
    ["POST", "/v1/images/generations%C0%AF", PATH],
    ["POST", "/v1/v1/images/generations", PATH],
    ["POST", "/images/generations", PATH],
    ["POST", "/api/v1/images/generations", PATH],
    ["POST", "/openai/v1/images/generations", PATH],
    ["POST", "/openai/deployments/dall-e-3/images/generations", PATH],
    ["POST", "/v1/images/generate", PATH],
    ["POST", "/v1/image/generation", PATH],
    ["POST", "/images/edits/", "/v1/images/edits"],
    ["GET", "/v1/models/", "/v1/models"],
    ["GET", "/models", "/v1/models"],
    ["GET", "/v1/v1/models/scripted", "/v1/models/scripted"],
    ["GET", "/v1/health", "/health"],
    ["GET", "/health/", "/health"],
    ["GET", file.slice(3), file],
    ["GET", "/v1/images/generation", PATH],
  ] as const) {
    const { status, text } = await ask(method, path);
    assert.equal(status, 404, path);
    const message = `Invalid URL (${method} ${path}). You probably meant ${meant}`;
    assert.ok(text.includes(`"message":"${message}","type":"invalid_request_error","param":null,"code":null`), text);
  }
  assert.match((await ask("GET", "/v1/nope?key=secret")).text, /Invalid URL \(GET \/v1\/nope\)/);
});

test("HEAD answers as GET does, without the body", async () => {
  const file = new URL((await world.generate({ response_format: "url" })).json.data[0].url).pathname;
  for (const path of [
    "/health",
    "/v1/models",
    "/v1/models/scripted",
    "/openapi.json",
    "/docs",
    file,
    "/v1/nope",
    "/v1/models/nope",
  ]) {
    const headers = { authorization: `Bearer ${world.key}`, "accept-encoding": "identity" };
    const get = await fetch(world.gateway.url + path, { headers });
    const head = await fetch(world.gateway.url + path, { headers, method: "HEAD" });
    assert.equal(head.status, get.status, path);
    for (const name of ["content-type", "etag", "cache-control", "x-content-type-options"]) {
      assert.equal(head.headers.get(name), get.headers.get(name), `${path} ${name}`);
    }
    const { byteLength } = await get.arrayBuffer();
    if (get.status === 200) assert.equal(Number(head.headers.get("content-length")), byteLength, path);
    assert.equal((await head.arrayBuffer()).byteLength, 0);
  }
  const { headers } = await fetch(world.gateway.url + file);
  const unchanged = await sendRaw(
    world.gateway.port,
    `GET ${file} HTTP/1.1\r\nhost: x\r\nif-none-match: ${headers.get("etag")}\r\nconnection: close\r\n\r\n`,
  );
  assert.equal(statusOf(unchanged), 304);
  assert.ok(unchanged.endsWith("\r\n\r\n"), "no body");
  assert.doesNotMatch(unchanged, /content-length|transfer-encoding/i);
});

test("every JSON answer: an id of its own whatever the client sends, no store, no sniffing", async () => {
  const ids = new Set<string>();
  for (const id of ["mine", "req_00000000000000000000000000000000", "x".repeat(600), "\u00e9"]) {
    const { headers } = await world.get("/v1/models", { "x-request-id": id, "x-client-request-id": id });
    ids.add(headers.get("x-request-id") ?? "");
    assert.equal(headers.get("cache-control"), "no-store");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
  }
  assert.equal(ids.size, 4);
  assert.ok(!ids.has("mine"));
  await world.get("/health", { "x-client-request-id": "from-the-client" });
  assert.ok(world.log.some((line) => line.includes('"correlation":"from-the-client"')));
});

test("S-120 S-122 models by their ids and other names, one by one as in the list", async () => {
  await using aliased = await startWorld({ modelAliases: { "a/b:c.d": "scripted", "with space": "scripted" } });
  const { json } = await aliased.get("/v1/models");
  const ids = json.data.map((model: { id: string }) => model.id);
  assert.deepEqual(ids.toSorted(), ["a/b:c.d", "scripted", "with space"]);
  for (const model of json.data) {
    assert.deepEqual((await aliased.get(`/v1/models/${encodeURIComponent(model.id)}`)).json, model);
  }
  for (const path of ["a%252Fb:c.d", "%00", "scripted/", "SCRIPTED", "__proto__", "m".repeat(1000)]) {
    const { status, json: body } = await aliased.get(`/v1/models/${path}`);
    assert.deepEqual([status, body.error.code, body.error.param], [404, "model_not_found", "model"], path);
  }
});
