import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  ApiError,
  chooseEditReader,
  type EditParseOptions,
  type FormPart,
  type ModelCard,
  parseEditForm,
  parseEditRequest,
  type ReadHeader,
} from "../src/index.ts";
import { card } from "./support.ts";

const editor: ModelCard = { ...card, id: "editor", edits: true };
const models: Record<string, ModelCard> = { m: card, editor };

/** Pictures of these tests are text: format and size. */
const readHeader: ReadHeader = (bytes) => {
  const match = /^(png|jpeg|webp) (\d+)x(\d+)$/.exec(Buffer.from(bytes).toString("latin1").trimEnd());
  if (!match) return undefined;
  const [width, height] = [Number(match[2]), Number(match[3])];
  return { format: match[1] as "png", width, height, orientation: 1 }; // one of the three, by the pattern
};
const options: EditParseOptions = { findModel: (id) => models[id], readHeader };
const picture = (text = "png 64x64") => Buffer.from(text);
const dataUrl = (bytes: Uint8Array, type = "image/png") =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;
const good = [{ image_url: dataUrl(picture()) }];

const json = (fields: Record<string, unknown>, more: Partial<EditParseOptions> = {}) =>
  parseEditRequest({ model: "editor", prompt: "p", images: good, ...fields }, { ...options, ...more });

type Field = readonly [name: string, value: string | Uint8Array, mediaType?: string];
const parts = (fields: readonly Field[]): FormPart[] =>
  fields.map(([name, value, mediaType]) => ({ name, value, mediaType }));
const FORM: readonly Field[] = [
  ["model", "editor"],
  ["prompt", "p"],
  ["image", picture(), "image/png"],
];
/** A form of these fields, and of those of `base` that they do not set. */
const form = (fields: readonly Field[], base = FORM, more: Partial<EditParseOptions> = {}) => {
  const set = new Set(fields.map(([name]) => name));
  const kept = base.filter(([name]) => name === "image" || !set.has(name));
  return parseEditForm(parts([...kept, ...fields]), { ...options, ...more });
};
const withoutImage = FORM.slice(0, 2);

function refused(run: () => unknown, code: string | null, param: string | null, message: string): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.deepEqual(error.envelope().error, { message, type: "invalid_request_error", param, code });
    return error.status === 400;
  });
}
const type = (param: string, expected: string, got: string) =>
  `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`;

const emptyPrompt =
  "Invalid 'prompt': empty string. Expected a string with minimum length 1, but got an empty string instead.";
const belowOne = "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.";

test("S-126 both encodings of one edit give the same job", () => {
  const mask = picture("png 64x64");
  const fromJson = json({ n: 2, stream: true, guidance_scale: 2.5, mask: { image_url: dataUrl(mask) } });
  const fromForm = form([
    ["n", "2"],
    ["stream", "true"],
    ["guidance_scale", "2.5"],
    ["mask", mask, "image/png"],
  ]);
  assert.deepEqual(fromForm, fromJson);
  assert.ok(Object.isFrozen(fromForm) && Object.isFrozen(fromForm.images));
  assert.deepEqual(
    fromForm.images.map(({ format, width, height }) => [format, width, height]),
    [["png", 64, 64]],
  );
  assert.deepEqual(Buffer.from(fromForm.mask?.bytes ?? []), mask);
  assert.equal(json({ mask: null }).mask, undefined);
});

test("S-126 several pictures keep their order, however their parts are called", () => {
  const job = form(
    [
      ["image[]", picture("jpeg 10x20")],
      ["image[]", picture("webp 30x40"), "image/webp"],
    ],
    FORM,
  );
  assert.deepEqual(
    job.images.map(({ format }) => format),
    ["png", "jpeg", "webp"],
  );
});

test("S-057 a model without edits is told last", () => {
  const message = "The model 'm' does not support image edits.";
  refused(() => json({ model: "m" }), "invalid_value", "model", message);
  refused(() => json({ model: "m", n: 0 }), "integer_below_min_value", "n", belowOne);
  refused(() => form([["model", "m"]]), "invalid_value", "model", message);
});

test("S-127 the images of a JSON body", () => {
  const cases: [unknown, string, string, string][] = [
    [undefined, "missing_required_parameter", "images", "Missing required parameter: 'images'."],
    [null, "invalid_type", "images", type("images", "an array of objects", "null")],
    [{}, "invalid_type", "images", type("images", "an array of objects", "an object")],
    [["str"], "invalid_type", "images[0]", type("images[0]", "an object", "a string")],
    [[...good, []], "invalid_type", "images[1]", type("images[1]", "an object", "an array")],
    [
      [],
      "empty_array",
      "images",
      "Invalid 'images': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ],
    [
      Array(17).fill(good[0]),
      "array_above_max_length",
      "images",
      "Invalid 'images': array too long. Expected an array with maximum length 16, but got an array with length 17 instead.",
    ],
    [[{ ...good[0], detail: 1 }], "unknown_parameter", "images[0].detail", "Unknown parameter: 'images[0].detail'."],
    [[{}], "missing_required_parameter", "images[0].image_url", "Missing required parameter: 'images[0].image_url'."],
    [
      [{ ...good[0], file_id: "f" }],
      "invalid_value",
      "images[0]",
      "Invalid 'images[0]': exactly one of 'image_url' and 'file_id' must be given.",
    ],
    [[{ file_id: 1 }], "invalid_type", "images[0].file_id", type("images[0].file_id", "a string", "an integer")],
    [
      [{ file_id: "file-1" }],
      "invalid_value",
      "images[0].file_id",
      "Invalid 'images[0].file_id': this server stores no input files. Send the image itself in 'image_url', as a 'data:' URL.",
    ],
    [[{ image_url: 1 }], "invalid_type", "images[0].image_url", type("images[0].image_url", "a string", "an integer")],
    [
      [{ image_url: "data:image/png;base64,AAA*" }],
      "invalid_value",
      "images[0].image_url",
      "Invalid 'images[0].image_url': the data is not valid base64.",
    ],
    [
      [{ image_url: `data:image/png;base64,${"A".repeat(20_971_500)}` }],
      "string_above_max_length",
      "images[0].image_url",
      "Invalid 'images[0].image_url': string too long. Expected a string with maximum length 20971520, but got a string with length 20971522 instead.",
    ],
  ];
  for (const [images, code, param, message] of cases) refused(() => json({ images }), code, param, message);
});

test("S-127 no remote image is fetched", () => {
  const rows: [string, string][] = [
    ["https://a.example/x.png", "this server fetches no remote images"],
    ["http://169.254.169.254/", "this server fetches no remote images"],
    ["file:///etc/passwd", "this server reads no URLs but 'data:' ones"],
    ["", "it is no URL"],
    ["iVBORw0KGgo=", "it is no URL"],
    ["data:image/png,AAAA", "the 'data:' URL is not in base64"],
    ["data:image/png;base64;x=y,AAAA", "the 'data:' URL is not in base64"],
    ["data:image/png;base64", "the 'data:' URL has no comma before its data"],
  ];
  for (const [url, fault] of rows) {
    const message = `Invalid 'images[0].image_url': ${fault}. Send the image itself as a 'data:' URL of type image/png, image/jpeg or image/webp, in base64.`;
    refused(() => json({ images: [{ image_url: url }] }), "invalid_value", "images[0].image_url", message);
  }
  refused(
    () => json({ images: [{ image_url: "data:image/svg+xml;base64,AAAA" }] }),
    "unsupported_file_mimetype",
    "images[0].image_url",
    "Invalid file 'images[0].image_url': unsupported mimetype ('image/svg+xml'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.",
  );
  for (const type of ["IMAGE/JPEG", "image/jpg", "image/jpeg;charset=utf-8", "image/jpeg;name=a b.jpg", ""]) {
    assert.equal(json({ images: [{ image_url: dataUrl(picture("jpeg 8x8"), type) }] }).images.length, 1);
  }
});

test("S-127 base64 may have line ends, as MIME encoders make them, but no other strangers", () => {
  const bytes = picture(`png 8x8${" ".repeat(100)}`);
  const base64 = Buffer.from(bytes).toString("base64");
  const lines = (end: string) => base64.replace(/.{1,76}/g, (line) => line + end);
  for (const data of [lines("\r\n"), lines("\n"), ` ${base64}\t`, base64.replace(/=+$/, "")]) {
    const [image] = json({ images: [{ image_url: `data:image/png;base64,${data}` }] }).images;
    assert.deepEqual(image?.bytes, Buffer.from(bytes));
  }
  for (const data of [`${base64.slice(0, 20)}*${base64.slice(20)}`, lines("\u00a0"), lines("\0")]) {
    refused(
      () => json({ images: [{ image_url: `data:image/png;base64,${data}` }] }),
      "invalid_value",
      "images[0].image_url",
      "Invalid 'images[0].image_url': the data is not valid base64.",
    );
  }
});

test("S-127 each encoding's own names are refused in the other", () => {
  refused(
    () => json({ image: "x" }),
    "invalid_value",
    "image",
    "Unknown parameter: 'image'. For application/json on /v1/images/edits, use 'images' (array).",
  );
  refused(
    () => form([["images", picture()]]),
    "invalid_value",
    "images",
    "Unknown parameter: 'images'. For multipart/form-data use 'image' or 'image[]'.",
  );
  refused(() => json({ bogus: 1 }), "unknown_parameter", "bogus", "Unknown parameter: 'bogus'.");
  refused(() => form([["__proto__", "1"]]), "unknown_parameter", "__proto__", "Unknown parameter: '__proto__'.");
});

test("S-126 the text of a form becomes what its field is", () => {
  const job = form([
    ["seed", "7"],
    ["guidance_scale", "3"],
    ["stream", "false"],
    ["n", "2"],
    ["user", "u"],
  ]);
  assert.deepEqual([job.seed, job.guidanceScale, job.stream, job.n, job.user], [7, 3, false, 2, "u"]);
  const broken = (name: string, expected: string) =>
    `Invalid type for '${name}': expected ${expected}, but got a string value that could not be converted into ${expected}.`;
  const rows: [string, string, string][] = [
    ["n", "abc", "an integer"],
    ["n", "2.5", "an integer"],
    ["n", " 1", "an integer"],
    ["n", "0x10", "an integer"],
    ["guidance_scale", "x", "a decimal number"],
    ["guidance_scale", "NaN", "a decimal number"],
    ["stream", "yes", "a boolean"],
    ["stream", "1", "a boolean"],
  ];
  for (const [name, value, expected] of rows) {
    refused(() => form([[name, value]]), "invalid_type", name, broken(name, expected));
  }
  assert.deepEqual([form([["stream", "True"]]).stream, form([["stream", "False"]]).stream], [true, false]);
  refused(() => form([["stream", "TRUE"]]), "invalid_type", "stream", broken("stream", "a boolean"));
  refused(() => form([["n", "0"]]), "integer_below_min_value", "n", belowOne);
  refused(() => form([["n", picture()]]), "invalid_type", "n", type("n", "an integer", "a file"));
  refused(() => form([["prompt", picture()]]), "invalid_type", "prompt", type("prompt", "a string", "a file"));
});

test("S-126 an empty text is a field that was left out, unless it is free text; so is an empty file without a name", () => {
  const optional = [
    "n",
    "size",
    "width",
    "quality",
    "stream",
    "seed",
    "response_format",
    "output_format",
    "input_fidelity",
  ];
  const job = form(optional.map((name) => [name, ""]));
  assert.deepEqual(job, form([]));
  assert.deepEqual([...job.given], [...form([]).given]);
  refused(() => form([["prompt", ""]]), "empty_string", "prompt", emptyPrompt);
  assert.equal(form([["user", ""]]).user, "");
  refused(() => form([["bogus", ""]]), "unknown_parameter", "bogus", "Unknown parameter: 'bogus'.");
  const unchosen = (name: string) => ({
    name,
    value: new Uint8Array(),
    mediaType: "application/octet-stream",
    fileName: "",
  });
  assert.equal(parseEditForm([...parts(FORM), unchosen("mask")], options).mask, undefined);
  refused(
    () => parseEditForm([...parts(withoutImage), unchosen("image")], options),
    "missing_required_parameter",
    "image",
    "Missing required parameter: 'image'.",
  );
  refused(
    () => parseEditForm([...parts(withoutImage), { ...unchosen("image"), fileName: "empty.png" }], options),
    "empty_image_file",
    "image",
    "Invalid file 'image': the file is empty.",
  );
});

test("S-126 a field that stands twice in a form is refused; pictures may", () => {
  for (const name of ["n", "prompt", "model", "mask", "bogus"]) {
    refused(
      () =>
        form([
          [name, "1"],
          [name, "1"],
        ]),
      "duplicate_parameter",
      name,
      `Invalid body: '${name}' is there more than once.`,
    );
  }
  assert.equal(
    form([
      ["image", picture()],
      ["image[]", picture()],
    ]).images.length,
    3,
  );
});

test("S-126 what is posted as an image must be one", () => {
  refused(() => form([], withoutImage), "missing_required_parameter", "image", "Missing required parameter: 'image'.");
  const one = (...field: Field) => form([field], withoutImage);
  refused(() => one("image[]", "text"), "invalid_type", "image[0]", type("image[0]", "a file", "a string"));
  refused(() => one("image", "text"), "invalid_type", "image", type("image", "a file", "a string"));
  refused(() => one("image", picture("")), "empty_image_file", "image", "Invalid file 'image': the file is empty.");
  refused(
    () => one("image", picture(), "text/html"),
    "unsupported_file_mimetype",
    "image",
    "Invalid file 'image': unsupported mimetype ('text/html'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.",
  );
  const three: Field[] = [
    ["image[]", picture()],
    ["image[]", picture()],
    ["image[]", picture("GIF89a")],
  ];
  refused(
    () => form(three, withoutImage),
    "invalid_image_file",
    "image[2]",
    "Invalid image file or mode for image 3, please check your image file.",
  );
  refused(
    () => form(Array<Field>(17).fill(["image[]", picture()]), withoutImage),
    "array_above_max_length",
    "image",
    "Invalid 'image': array too long. Expected an array with maximum length 16, but got an array with length 17 instead.",
  );
});

test("S-129 the size of a picture is bounded in bytes and in pixels", () => {
  const one = (bytes: Uint8Array) => form([["image", bytes]], withoutImage);
  const padded = (length: number) => Buffer.alloc(length, " ").fill("png 64x64", 0, 9);
  refused(
    () => one(padded(50_000_000)),
    "image_file_too_large",
    "image",
    "Invalid file 'image': it must be smaller than 50000000 bytes.",
  );
  refused(
    () => one(picture("png 50000x50000")),
    "image_too_large",
    "image",
    "Invalid image 'image': 50000x50000 pixels are more than the limit of 16777216.",
  );
  assert.equal(one(picture("png 4096x4096")).images.length, 1);
  const noImage = "Invalid image file or mode for image 1, please check your image file.";
  refused(() => one(picture("png 0x5")), "invalid_image_file", "image", noImage);
});

test("S-126 a mask is a PNG of the first picture's size", () => {
  const masked = (bytes: Uint8Array) => form([["mask", bytes]]);
  refused(
    () => masked(picture("png 64x32")),
    "invalid_value",
    "mask",
    "The mask is 64x32, but the image is 64x64. Both must have the same size.",
  );
  refused(
    () => masked(picture("jpeg 64x64")),
    "unsupported_file_mimetype",
    "mask",
    "Invalid file 'mask': unsupported mimetype ('image/jpeg'). Supported file formats are 'image/png'.",
  );
  refused(
    () => masked(Buffer.alloc(4_000_000)),
    "image_file_too_large",
    "mask",
    "Invalid file 'mask': it must be smaller than 4000000 bytes.",
  );
  refused(
    () => masked(picture("x")),
    "invalid_image_file",
    "mask",
    "Invalid image file or mode for the mask, please check your image file.",
  );
  refused(() => json({ mask: "x" }), "invalid_type", "mask", type("mask", "an object", "a string"));
});

test("input_fidelity is known, but no model supports it", () => {
  refused(
    () => json({ input_fidelity: "high" }),
    "invalid_input_fidelity_model",
    "input_fidelity",
    "The model 'editor' does not support the 'input_fidelity' parameter.",
  );
  refused(
    () => json({ input_fidelity: "x" }),
    "invalid_value",
    "input_fidelity",
    "Invalid value: 'x'. Supported values are: 'high' and 'low'.",
  );
  assert.equal(json({ input_fidelity: null }).prompt, "p");
});

test("S-057 what the card says of edits: how many pictures, whether fidelity, and a mask that can be transparent", () => {
  const few: ModelCard = { ...editor, maxInputImages: 2, inputFidelity: true };
  const opaque: ReadHeader = (bytes) => {
    const header = readHeader(bytes);
    return header && { ...header, alpha: header.width === 32 };
  };
  const more = { findModel: () => few, readHeader: opaque };
  assert.equal(json({ input_fidelity: "high" }, more).inputFidelity, "high");
  assert.equal(json({}, more).inputFidelity, undefined);
  assert.equal(json({ images: [...good, ...good] }, more).images.length, 2);
  const tooLong = (param: string) =>
    `Invalid '${param}': array too long. Expected an array with maximum length 2, but got an array with length 3 instead.`;
  const three = [...good, ...good, ...good];
  refused(() => json({ images: three }, more), "array_above_max_length", "images", tooLong("images"));
  const files = three.map((): Field => ["image[]", picture(), "image/png"]);
  refused(() => form(files, withoutImage, more), "array_above_max_length", "image", tooLong("image"));
  const mask = (text: string) => ({ image_url: dataUrl(picture(text)) });
  refused(
    () => json({ mask: mask("png 64x64") }, more),
    "invalid_image_file",
    "mask",
    "Invalid mask image format - mask image missing alpha channel",
  );
  const small = { images: [mask("png 32x32")], mask: mask("png 32x32"), size: "512x512" };
  assert.equal(json(small, more).mask?.width, 32);
});

test("S-014 an edit without a size keeps its first picture's, where that is one of the model's", () => {
  const sizeOf = (text: string, fields: Record<string, unknown> = {}) => {
    const { width, height } = json({ images: [{ image_url: dataUrl(picture(text)) }, ...good], ...fields });
    return `${width}x${height}`;
  };
  assert.equal(sizeOf("png 640x384"), "640x384");
  assert.equal(sizeOf("png 640x384", { size: "auto" }), "640x384");
  assert.equal(sizeOf("png 640x384", { size: null }), "640x384");
  assert.equal(sizeOf("png 640x384", { size: "256x256" }), "256x256");
  assert.equal(sizeOf("png 640x384", { width: 256, height: 512 }), "256x512");
  for (const none of ["png 641x384", "png 64x64", "png 4000x4000", "png 2048x256"])
    assert.equal(sizeOf(none), "512x512");
});

test("S-092 two sendings of one form have one digest, whatever their boundaries; any other field or file another", async () => {
  const body = (boundary: string, fields: readonly Field[]) => {
    const text = fields.map(([name, value, mediaType]) => {
      const file = mediaType === undefined ? "" : `; filename="f"\r\nContent-Type: ${mediaType}`;
      return `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`;
    });
    return Buffer.from(`${text.join("")}--${boundary}--`);
  };
  const digest = async (boundary: string, fields: readonly Field[]) => {
    const read = chooseEditReader({ "content-type": `multipart/form-data; boundary=${boundary}` });
    return Buffer.from(await read(body(boundary, fields)).digest()).toString("hex");
  };
  const first = await digest("A", FORM);
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await digest("another-one", FORM), first);
  const others = [
    [...FORM, ["n", "1"]],
    [...FORM.slice(0, 2), ["image", picture("png 64x32"), "image/png"]],
    [...FORM.slice(0, 2), ["image", picture(), "image/jpeg"]],
    [...FORM.slice(0, 2), ["image[]", picture(), "image/png"]],
    [FORM[1], FORM[0], FORM[2]],
  ] as readonly (readonly Field[])[];
  const digests = await Promise.all(others.map((fields) => digest("A", fields)));
  assert.equal(new Set([first, ...digests]).size, 6);
  const json = chooseEditReader({ "content-type": "application/json" });
  const plain = await json(Buffer.from('{"a":1}')).digest();
  assert.equal(Buffer.from(plain).toString("hex"), createHash("sha256").update('{"a":1}').digest("hex"));
});

test("of two faults the first in the documented order is told", () => {
  const codeOf = (fields: Record<string, unknown>) => {
    try {
      json(fields);
    } catch (error) {
      if (error instanceof ApiError) return error.param;
    }
    return assert.fail("accepted");
  };
  assert.equal(codeOf({ model: 1, bogus: 1 }), "model");
  assert.equal(codeOf({ prompt: 1, bogus: 1 }), "bogus");
  assert.equal(codeOf({ prompt: 1, images: 1 }), "prompt");
  assert.equal(codeOf({ images: 1, n: 0 }), "images");
  assert.equal(codeOf({ mask: 1, n: 0 }), "mask");
  assert.equal(codeOf({ n: 0, quality: 1 }), "n");
  assert.equal(codeOf({ model: "m", input_fidelity: "low" }), "input_fidelity");
});

test("unknown fields go where the operator says", () => {
  const forwarded = form([["lora", "x"]], FORM, { unknownFields: "forward" });
  assert.deepEqual(forwarded.extra, { lora: "x" });
  assert.deepEqual(json({ lora: 1 }, { unknownFields: "ignore" }).extra, {});
  refused(
    () => form([["lora", picture()]], FORM, { unknownFields: "forward" }),
    "unknown_parameter",
    "lora",
    "Unknown parameter: 'lora'.",
  );
});
