import { toJSON, toWire } from "../../lib/input.ts";
import { asModel } from "../../lib/models.ts";
import { fromWire, wireName } from "../../lib/wire.ts";
import { ERR, OK, type Result } from "../../types/fp.ts";
import { isRecord } from "../errors/envelope.ts";
import { InvalidRequestError } from "../errors/invalidrequesterror.ts";
import { SDKValidationError } from "../errors/sdkvalidationerror.ts";
import type { CreateImageRequest } from "./createimagerequest.ts";
import type { CreateImageResponse } from "./createimageresponse.ts";
import { ImageData } from "./imagedata.ts";
import type { Model, ModelList } from "./model.ts";

/**
 * A request as it goes on the wire.
 * @throws SDKValidationError when it cannot be sent
 */
export function createImageRequestToJSON(request: CreateImageRequest): string {
  return toJSON(toWire(request));
}

/** Reads a request that was on the wire. */
export function createImageRequestFromJSON(json: string): Result<CreateImageRequest, SDKValidationError> {
  return parse(json, (value) => {
    const { prompt } = toWire(value);
    return { ...fromWire(value), prompt: String(prompt) };
  });
}

/** An answer in the server's form, for instance to keep it. */
export function createImageResponseToJSON(response: CreateImageResponse): string {
  return JSON.stringify(namedForWire(response));
}

/** Reads an answer in the server's form. A picture of it that is a URL has no `bytes()`. */
export function createImageResponseFromJSON(json: string): Result<CreateImageResponse, SDKValidationError> {
  return parse(json, (value) => {
    const { created, data, ...fields } = fromWire(value);
    if (!Array.isArray(data)) throw new SDKValidationError("Response", "data must be an array", value);
    const pictures = data.map((item: unknown) => picture(item, fields.outputFormat));
    return { ...(typeof created === "number" && { created }), data: pictures, ...fields };
  });
}

/** A picture in the server's form. */
export function imageDataToJSON(image: ImageData): string {
  return JSON.stringify(namedForWire(image));
}

/** Reads a picture in the server's form. One that is a URL has no `bytes()`. */
export function imageDataFromJSON(json: string): Result<ImageData, SDKValidationError> {
  return parse(json, (value) => picture(fromWire(value)));
}

/** A model in the server's form. */
export function modelToJSON(model: Model): string {
  return JSON.stringify(namedForWire(model));
}

/** Reads a model in the server's form. */
export function modelFromJSON(json: string): Result<Model, SDKValidationError> {
  return parse(json, (value) => asModel(fromWire(value)));
}

/** A list of models in the server's form. */
export function modelListToJSON(list: ModelList): string {
  return JSON.stringify(namedForWire(list));
}

/** Reads a list of models in the server's form. */
export function modelListFromJSON(json: string): Result<ModelList, SDKValidationError> {
  return parse(json, (value) => {
    const { data, ...fields } = fromWire(value);
    if (!Array.isArray(data)) throw new SDKValidationError("Response", "data must be an array", value);
    return { ...fields, data: data.map(asModel) };
  });
}

function parse<T>(text: string, read: (value: Record<string, unknown>) => T): Result<T, SDKValidationError> {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) throw new SDKValidationError("Input", "must be a JSON object", value);
    return OK(read(value));
  } catch (error) {
    if (error instanceof SDKValidationError) return ERR(error);
    return ERR(new SDKValidationError("Input", "must be JSON", text));
  }
}

function picture(item: unknown, format?: unknown): ImageData {
  return new ImageData(isRecord(item) ? item : {}, download, format);
}

async function download(): Promise<never> {
  throw new InvalidRequestError("A picture that was read from JSON has no client: fetch its url yourself");
}

/** The inverse of `fromWire`. */
function namedForWire(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(namedForWire);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [wireName(name), ENTERED.test(name) ? namedForWire(field) : field]),
  );
}

const ENTERED = /^(data|usage|(in|out)putTokensDetails)$/;
