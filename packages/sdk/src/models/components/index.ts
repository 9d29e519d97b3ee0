export type { CreateImageRequest, CreateImageStreamRequest, ImageOptions } from "./createimagerequest.ts";
export type { CreateImageResponse } from "./createimageresponse.ts";
export type { EditImageRequest, EditImageStreamRequest, ImageInput } from "./editimagerequest.ts";
export type { Generation } from "./generation.ts";
export type { HealthResponse } from "./healthresponse.ts";
export { type Download, type DownloadOptions, ImageData } from "./imagedata.ts";
export type {
  ImageCompletedEvent,
  ImageEditStreamEvent,
  ImagePartialEvent,
  ImageProgressEvent,
  ImageStreamEvent,
} from "./imagestreamevent.ts";
export { createImageRequestFromJSON, createImageRequestToJSON } from "./json/createimagerequest.ts";
export { createImageResponseFromJSON, createImageResponseToJSON } from "./json/createimageresponse.ts";
export { imageDataFromJSON, imageDataToJSON } from "./json/imagedata.ts";
export { modelFromJSON, modelListFromJSON, modelListToJSON, modelToJSON } from "./json/model.ts";
export type { Model, ModelList } from "./model.ts";
export type {
  NodePublicAddressAssignment,
  NodesCreateLockRequest,
  NodesCreateLockResponse,
  NodesCreateRequest,
  NodesCreateResponse,
} from "./nodes.ts";
export type { Notes } from "./notes.ts";
export type { TokensDetails, Usage } from "./usage.ts";
