import assert from "node:assert/strict";
import { after, test } from "node:test";
import { ApiError, parseMultipart } from "@atoma/contract";
import { editsOf, FIELDS, failure, IMAGE, isNoEdits, png, withImage } from "./support/edits.ts";
import { startWorld } from "./support/gateway.ts";

const world = await startWorld();
after(() => world[Symbol.asyncDispose]());
const { raw } = editsOf(world);

const unparsable = (reason: string) =>
  failure(null, null, `We could not parse the multipart form of your request: ${reason}.`);

test("S-128 a boundary counts only at the start of a line, and only when its line ends there", async () => {
  const prompt = (text: string) => `${FIELDS.replace("\r\n\r\np\r\n", `\r\n\r\n${text}\r\n`)}${IMAGE}\r\n\r\n`;
  for (const text of [
    "a--B\r\nb",
    "a\r\n--Bfoo\r\nb",
    "a\r\n--B-",
    "a\r\n--B--x\r\n",
    "a\n--B\n",
    "a\r--B\r\nb",
    "\r\n--\r\n",
  ]) {
    await isNoEdits(raw(Buffer.concat([Buffer.from(prompt(text)), png, Buffer.from("\r\n--B--")])));
  }
});

test("S-128 preamble, epilogue, white space after a boundary, and an empty prompt", async () => {
  await isNoEdits(
    raw(Buffer.concat([Buffer.from("preamble\r\n"), withImage(IMAGE), Buffer.from("epilogue\r\n--B\r\n")])),
  );
  await isNoEdits(raw(withImage(IMAGE.replace("--B", "--B \t"), "\r\n--B-- \t\r\n")));
  const { error } = await raw(withImage(IMAGE).toString("latin1").replace("\r\n\r\np\r\n", "\r\n\r\n\r\n"));
  assert.equal(error.code, "empty_string");
});

test("S-128 quoted, case-variant and folded parameters", async () => {
  const image = "Content-Type: image/png";
  for (const head of [
    `--B\r\nContent-Disposition: form-data;\r\n name="image";\r\n\tfilename="in.png"\r\n${image}`,
    `--B\r\ncontent-disposition: FORM-DATA; NAME="image"; FileName=in.png\r\n${image.toUpperCase()}`,
    `--B\r\nContent-Disposition: form-data; filename="a; name=\\"mask\\""; name=image;\r\n${image}; x="a;b"`,
    `--B\r\nContent-Type: image/png\r\nContent-Disposition : form-data ; name="image"`,
    `--B\r\nContent-Disposition: form-data; name="image"; filename="b\u00e4r.png"`,
  ]) {
    await isNoEdits(raw(withImage(head)));
  }
  for (const type of [
    'multipart/form-data; boundary="B"',
    "Multipart/Form-Data;BOUNDARY=B",
    'multipart/form-data; x="; boundary=Z"; boundary=B; charset=utf-8',
  ]) {
    await isNoEdits(raw(withImage(IMAGE), type));
  }
  const spaced = withImage(IMAGE).toString("latin1").replaceAll("--B", "--a b'?:c");
  await isNoEdits(raw(Buffer.from(spaced, "latin1"), `multipart/form-data; boundary="a b'?:c"`));
});

test("S-128 boundaries that RFC 2046 does not allow, and forms that are none", async () => {
  const body = withImage(IMAGE);
  for (const [type, reason] of [
    ["multipart/form-data", "the content type has no boundary"],
    ["multipart/form-data; boundary=B; boundary=C", "the content type is malformed, or has a parameter twice"],
    ["multipart/form-data; boundary=B; =C", "the content type is malformed, or has a parameter twice"],
    ["multipart/form-data; boundary=", "the boundary is invalid"],
    ['multipart/form-data; boundary=""', "the boundary is invalid"],
    ['multipart/form-data; boundary="B "', "the boundary is invalid"],
    [`multipart/form-data; boundary=${"B".repeat(71)}`, "the boundary is invalid"],
  ] as const) {
    assert.deepEqual((await raw(body, type)).error, unparsable(reason), type);
  }
  const part = (head: string) => `--B\r\n${head}\r\n\r\nx\r\n--B--`;
  const cut = "it ends before its closing boundary";
  for (const [text, reason] of [
    ["", cut],
    ["x", cut],
    [body.subarray(0, body.length - 6).toString("latin1"), cut],
    ["--B\r\n\r\nx\r\n--B--", "a part has no name"],
    [part(`x-long: ${"a".repeat(20_000)}`), "a part has no end of its headers, or too many of them"],
    [part("nonsense"), "a part has a malformed header"],
    [part("Content-Type: a/b\r\ncontent-type: c/d"), "a part has a header twice"],
    [part("Content-Disposition: form-data"), "a part has no name"],
    [part('Content-Disposition: attachment; name="n"'), "a part has no name"],
    [
      part('Content-Disposition: form-data; name="n"\r\nContent-Transfer-Encoding: base64'),
      "a part has a transfer encoding, which forms do not have (RFC 7578, 4.7)",
    ],
    [
      `${'--B\r\nContent-Disposition: form-data; name="n"\r\n\r\n1\r\n'.repeat(129)}--B--`,
      "it has more than 128 parts",
    ],
    [`--B\r\n\r\n${"\r\n--Bx".repeat(11_000)}\r\n--B--`, "its boundary occurs too often in its data"],
  ] as const) {
    assert.deepEqual((await raw(text)).error, unparsable(reason), text.slice(0, 60));
  }
  const latin1 = Buffer.from(FIELDS.replace("\r\n\r\np", "\r\n\r\n\u00ff"), "latin1");
  const { error } = await raw(Buffer.concat([latin1, Buffer.from("--B--")]));
  assert.deepEqual(error, unparsable("a text part is not valid UTF-8"));
});

test("S-128 broken forms are refused, never more", () => {
  const whole = withImage(IMAGE);
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let run = 0; run < 5000; run++) {
    const body = Buffer.from(whole.subarray(0, random(10) === 0 ? random(whole.length) : whole.length));
    for (let i = 0; i <= random(4) && body.length > 0; i++)
      body[random(body.length)] = '\r\n-B ;="\\:\0\xff'.charCodeAt(random(12));
    try {
      for (const { name, value } of parseMultipart(body, "B")) assert.ok(typeof name === "string" && value.length >= 0);
    } catch (error) {
      assert.ok(error instanceof ApiError && error.status === 400, `run ${run}: ${error}`);
    }
  }
});
