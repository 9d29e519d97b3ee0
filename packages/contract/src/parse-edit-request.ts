import { convertText, type FormPart, isLeftOut, readFormImages, readFormMask, refuseRepeated } from "./edit-form.ts";
import type { EditJob } from "./edit-job.ts";
import { readJsonImages, readJsonMask } from "./edit-json.ts";
import { errors } from "./errors.ts";
import { INPUT_FIDELITIES } from "./fields.ts";
import {
  type InputFile,
  type InputImage,
  judgeImage,
  judgeMask,
  MAX_INPUT_IMAGES,
  type ReadHeader,
} from "./input-image.ts";
import type { ModelCard } from "./model-card.ts";
import { toImageJob } from "./parse-image-request.ts";
import { type FieldHooks, oneOf, type ParseOptions, REQUEST_FIELDS, readFields, readModel } from "./request-fields.ts";
import { formatSize, sizeViolation } from "./sizes.ts";

export type { FormPart } from "./edit-form.ts";

export interface EditParseOptions extends ParseOptions {
  readonly readHeader: ReadHeader;
}

/** What the two encodings of an edit differ in. */
interface Encoding {
  readonly body: Readonly<Record<string, unknown>>;
  /** Fields beside the common ones. */
  readonly own: readonly string[];
  readonly imagesParam: string;
  /** A field that only the other encoding has, with the advice for it. */
  readonly foreign: readonly [name: string, hint: string];
  readonly images: () => Iterable<InputFile>;
  readonly mask: () => InputFile | undefined;
  readonly convert: NonNullable<FieldHooks["convert"]>;
}

const readFidelity = oneOf(INPUT_FIDELITIES);

/** Refuses fields nobody knows, or returns those to hand on to the node. */
function unknownFields({ body, own, foreign }: Encoding, options: ParseOptions): Readonly<Record<string, unknown>> {
  const [misplaced, hint] = foreign;
  const policy = options.unknownFields ?? "reject";
  const forwarded: [string, unknown][] = [];
  for (const [name, value] of Object.entries(body)) {
    if (REQUEST_FIELDS.includes(name) || own.includes(name) || name === "input_fidelity") continue;
    if (name === misplaced) throw errors.otherEncoding(name, hint);
    // A file cannot be handed on: nodes get their fields as JSON.
    const forwardable = !(value instanceof Uint8Array);
    if (policy === "reject" || (policy === "forward" && !forwardable)) throw errors.unknownParameter(name);
    if (policy === "forward") forwarded.push([name, value]);
  }
  return Object.fromEntries(forwarded);
}

/** An edit without a size gives a picture of the first one's size, where the model can make that. */
function standardSize([first]: readonly InputImage[], card: ModelCard): string {
  const own = first && formatSize(first);
  return own !== undefined && !sizeViolation(own, card.sizes) ? own : card.defaultSize;
}

function parse(encoding: Encoding, options: EditParseOptions): EditJob {
  const { body, convert, imagesParam } = encoding;
  const card = readModel(body, options);
  const extra = unknownFields(encoding, options);

  const images: InputImage[] = [];
  let mask: InputImage | undefined;
  const readInputs = () => {
    for (const file of encoding.images()) images.push(judgeImage(file, images.length + 1, options.readHeader));
    const file = encoding.mask();
    const [first] = images;
    if (file && first) mask = judgeMask(file, first, options.readHeader);
  };
  const fields = readFields(body, card, { convert, afterPrompt: readInputs });
  const fidelity = body.input_fidelity ?? undefined;
  const inputFidelity = fidelity === undefined ? undefined : readFidelity(fidelity, "input_fidelity", card);

  const defaults = { size: standardSize(images, card), responseFormat: options.defaultResponseFormat };
  const job = toImageJob(fields, card, extra, defaults);
  if (inputFidelity !== undefined && !card.inputFidelity) throw errors.inputFidelity(card.id);
  if (!card.edits) throw errors.noEdits(card.id);
  const most = card.maxInputImages ?? MAX_INPUT_IMAGES;
  if (images.length > most) throw errors.arrayTooLong(imagesParam, most, images.length);
  if (mask?.alpha === false) throw errors.maskWithoutAlpha("mask");
  const given = new Set([...job.given, ...(mask ? ["mask"] : []), ...(inputFidelity ? ["input_fidelity"] : [])]);
  return Object.freeze({ ...job, operation: "image_edit", given, images: Object.freeze(images), mask, inputFidelity });
}

/**
 * Checks the JSON body of an edit against the model card. Throws ApiError as `parseImageRequest` does, and in its order:
 * the pictures come after the prompt, and whether the model can edit at all comes last.
 */
export function parseEditRequest(body: Readonly<Record<string, unknown>>, options: EditParseOptions): EditJob {
  const own = (name: string) => (Object.hasOwn(body, name) ? body[name] : undefined);
  return parse(
    {
      body,
      own: ["images", "mask"],
      imagesParam: "images",
      foreign: ["image", "For application/json on /v1/images/edits, use 'images' (array)."],
      images: () => readJsonImages(own("images")),
      mask: () => readJsonMask(own("mask")),
      convert: (value) => value,
    },
    options,
  );
}

const FORM_FILES = ["image", "image[]", "mask"];
const isFormField = (name: string) =>
  REQUEST_FIELDS.includes(name) || FORM_FILES.includes(name) || name === "input_fidelity";

/** The same for a multipart form. Throws ApiError 400 also where a field but the pictures stands twice. */
export function parseEditForm(form: readonly FormPart[], options: EditParseOptions): EditJob {
  refuseRepeated(form);
  const parts = form.filter((part) => !isLeftOut(part, isFormField));
  return parse(
    {
      body: Object.fromEntries(parts.map(({ name, value }) => [name, value])),
      own: FORM_FILES,
      imagesParam: "image",
      foreign: ["images", "For multipart/form-data use 'image' or 'image[]'."],
      images: () => readFormImages(parts),
      mask: () => readFormMask(parts),
      convert: convertText,
    },
    options,
  );
}
