import { openApiParts, requestId, text } from "./openapi-parts.ts";
import {
  Account,
  CreateImageRequest,
  CreateImageResponse,
  EditImageForm,
  EditImageRequest,
  ErrorResponse,
  Health,
  ImageCompletedEvent,
  ImageEditCompletedEvent,
  ImageEditPartialEvent,
  ImageEditProgressEvent,
  ImageErrorEvent,
  ImageGeneration,
  ImageGenerationEnded,
  ImagePartialEvent,
  ImageProgressEvent,
  Model,
  ModelList,
} from "./schemas.ts";

const schemas = {
  Account,
  CreateImageRequest,
  CreateImageResponse,
  EditImageForm,
  EditImageRequest,
  ErrorResponse,
  Health,
  ImageCompletedEvent,
  ImageEditCompletedEvent,
  ImageEditPartialEvent,
  ImageEditProgressEvent,
  ImageErrorEvent,
  ImageGeneration,
  ImageGenerationEnded,
  ImagePartialEvent,
  ImageProgressEvent,
  Model,
  ModelList,
};

const { ref, json, failure } = openApiParts(schemas);

/** Of a key with limits. */
const limits = Object.fromEntries(
  ["requests", "images"].flatMap((what) => [
    [`x-ratelimit-limit-${what}`, text("How many a minute.")],
    [`x-ratelimit-remaining-${what}`, text("How many are left now.")],
    [`x-ratelimit-reset-${what}`, text("When none counts any more: `1m0s`.")],
  ]),
);

const malformed = { "400": failure("The request is malformed.") };
const unauthorised = { ...malformed, "401": failure("No key, or a wrong one.") };
const away = {
  "503": failure("The ledger or the store of pictures cannot be reached; `retry-after` tells when to come back."),
};

/** What a request for pictures may meet, whether it has pictures itself or not. */
const refusals = {
  ...unauthorised,
  "400": failure("The request is wrong; `param` names the field."),
  "402": failure("The balance of compute units is too low."),
  "403": failure("The key may not use this model."),
  "404": failure("There is no such model."),
  "408": failure("The body did not arrive in time."),
  "409": failure("A request with this idempotency key is still running."),
  "410": failure("The pictures of the answer that this idempotency key got have expired."),
  "413": failure("The body is too large."),
  "415": failure("The body's type is not one that is read here."),
  "422": failure("The idempotency key was used with another body."),
  "429": failure("A limit of this key is reached; `retry-after` tells when to come back."),
  "500": failure("No node could be reached, or it did not deliver."),
  "503": failure("No capacity now; `retry-after` tells when to come back."),
  "504": failure("The picture was not finished in time."),
};

const pictures = (...events: (keyof typeof schemas)[]) => ({
  description: "The pictures; as server-sent events when `stream` is true.",
  headers: {
    ...requestId,
    ...limits,
    "idempotent-replayed": text("`true` on an answer that the idempotency key got before."),
    "openai-processing-ms": text("How long it took. Not in a stream."),
  },
  content: {
    "application/json": { schema: ref("CreateImageResponse") },
    "text/event-stream": { schema: { anyOf: [...events, "ImageErrorEvent" as const].map(ref) } },
  },
});

const idempotencyKey = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "Sent again with the same body, the first answer comes back and nothing is charged twice.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

/** What the page offers to send: right as it stands, for the model that ships with the code. */
const example = {
  model: "atoma-tiny",
  prompt: "a red circle on a blue background",
  size: "512x512",
  response_format: "url",
};
/** One red pixel. */
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";

const binary = { schema: { type: "string", format: "binary" } };
const picture = { "image/png": binary, "image/jpeg": binary, "image/webp": binary };
const fileHeaders = {
  ...requestId,
  etag: text("Names the bytes; they never change."),
  "accept-ranges": text("`bytes`"),
};

/** The public HTTP interface as an OpenAPI 3.1 document. `version` is the gateway's. */
export function openApiDocument(version: string) {
  return {
    openapi: "3.1.0",
    info: {
      title: "Atoma",
      version,
      description: "Turns a prompt into a picture, in the manner of the OpenAI images API.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }],
    paths: {
      "/v1/images/generations": {
        post: {
          operationId: "createImage",
          tags: ["Images"],
          summary: "Make pictures from a prompt",
          parameters: [
            idempotencyKey,
            {
              name: "Prefer",
              in: "header",
              required: false,
              description: "`respond-async`: answer at once with 202 and make the pictures afterwards.",
              schema: { type: "string" },
            },
          ],
          requestBody: {
            required: true,
            content: { "application/json": { schema: ref("CreateImageRequest"), example } },
          },
          responses: {
            "200": pictures("ImagePartialEvent", "ImageCompletedEvent", "ImageProgressEvent"),
            "202": {
              ...json(
                "Accepted, because of `Prefer: respond-async`; `location` tells where the pictures will be.",
                "ImageGeneration",
              ),
              headers: {
                location: { schema: { type: "string", format: "uri" } },
                "preference-applied": { schema: { type: "string" } },
                "retry-after": { schema: { type: "string" } },
              },
            },
            ...refusals,
          },
        },
      },
      "/v1/images/generations/{id}": {
        parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
        get: {
          operationId: "getImageGeneration",
          tags: ["Images"],
          summary: "How an asynchronous generation stands, with its pictures when it has succeeded",
          responses: {
            "200": json("The generation.", "ImageGeneration"),
            ...unauthorised,
            "404": failure("This account has no such generation."),
            "410": failure("Its pictures have expired."),
            ...away,
          },
        },
        delete: {
          operationId: "cancelImageGeneration",
          tags: ["Images"],
          summary: "Stop an asynchronous generation that has not ended; nothing is charged for it then",
          responses: {
            "200": json("The generation as it stands now.", "ImageGeneration"),
            ...unauthorised,
            ...away,
            "404": failure("This account has no such generation."),
          },
        },
      },
      "/v1/images/edits": {
        post: {
          operationId: "editImage",
          summary: "Make pictures from pictures and a prompt",
          description:
            "For models whose capabilities say `edits`; others end with 400, `param` `model`. Costs what a generation of the same size does.",
          tags: ["Images"],
          requestBody: {
            required: true,
            content: {
              // First, because pages offer the first.
              "application/json": {
                schema: ref("EditImageRequest"),
                example: { ...example, images: [{ image_url: PIXEL }] },
              },
              "multipart/form-data": { schema: ref("EditImageForm") },
            },
          },
          parameters: [idempotencyKey],
          responses: {
            "200": pictures("ImageEditPartialEvent", "ImageEditCompletedEvent", "ImageEditProgressEvent"),
            ...refusals,
          },
        },
      },
      "/v1/images/files/{name}": {
        get: {
          operationId: "getImageFile",
          tags: ["Images"],
          summary: "A stored picture; the address is the secret",
          security: [],
          parameters: [{ name: "name", in: "path", required: true, schema: { type: "string" } }],
          responses: {
            "200": { description: "The picture.", headers: fileHeaders, content: picture },
            "206": {
              description: "The range of it that was asked for.",
              headers: { ...fileHeaders, "content-range": text("`bytes first-last/size`") },
              content: picture,
            },
            "304": { description: "The picture that the client has.", headers: fileHeaders },
            ...malformed,
            "404": failure("There is no such file."),
            "410": failure("The file has expired."),
            "416": failure("The range lies outside of the picture."),
            ...away,
          },
        },
      },
      "/v1/models": {
        get: {
          operationId: "listModels",
          tags: ["Models"],
          summary: "The models that the key can use now",
          responses: { "200": json("The models.", "ModelList"), ...unauthorised, ...away },
        },
      },
      "/v1/models/{id}": {
        get: {
          operationId: "getModel",
          tags: ["Models"],
          summary: "One model; slashes in its id may be escaped or not",
          parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
          responses: {
            "200": json("The model.", "Model"),
            ...unauthorised,
            ...away,
            "403": failure("The key may not use this model."),
            "404": failure("There is no such model."),
            "500": failure("No node that is reached has it, and one that may have it was never reached."),
          },
        },
      },
      "/v1/account": {
        get: {
          operationId: "getAccount",
          tags: ["Account"],
          summary: "What is left of the account's compute units, and what the key may do",
          responses: { "200": json("The account, and the key that asked.", "Account"), ...unauthorised, ...away },
        },
      },
      "/health": {
        get: {
          operationId: "health",
          tags: ["Service"],
          summary: "Whether requests can be served",
          security: [],
          responses: { "200": json("Ready.", "Health"), ...malformed, "503": json("Not ready.", "Health") },
        },
      },
    },
    webhooks: {
      imageGenerationEnded: {
        post: {
          tags: ["Images"],
          summary: "An asynchronous generation has ended; sent to the webhook of the key that began it",
          description:
            "Signed by Standard Webhooks. Any 2xx answers it; otherwise it is sent again, with the same `webhook-id`.",
          security: [],
          parameters: ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) => ({
            name,
            in: "header",
            required: true,
            schema: { type: "string" },
          })),
          requestBody: { required: true, content: { "application/json": { schema: ref("ImageGenerationEnded") } } },
          responses: { "2XX": { description: "Received." }, "410": { description: "Not to be sent any more." } },
        },
      },
    },
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas,
    },
  };
}
