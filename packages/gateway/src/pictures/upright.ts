import { type ApiError, type EditJob, errors, type InputImage, turnOf } from "@atoma/contract";

/** As the contract has it: 4096 × 4096. */
const MAX_PIXELS = 16_777_216;
/** Of JPEG and WebP: what is lost by encoding once more is not seen. */
const QUALITY = 95;

/** The same picture with its pixels as people see them, in the same format, without orientation. Throws on what cannot be decoded. */
async function upright(image: InputImage): Promise<InputImage> {
  if (image.orientation === 1) return image;
  const { default: sharp } = await import("sharp"); // not loaded where no picture is turned
  const { mirror, degrees } = turnOf(image.orientation);
  const turned = sharp(image.bytes, { limitInputPixels: MAX_PIXELS, failOn: "error", pages: 1 })
    .flip(mirror === "flip")
    .flop(mirror === "flop")
    .rotate(degrees);
  const options = { quality: QUALITY, chromaSubsampling: "4:4:4" };
  const encoded = image.format === "png" ? turned.png() : turned.toFormat(image.format, options);
  return { ...image, bytes: await encoded.toBuffer(), orientation: 1 };
}

async function decoding(image: InputImage, refusal: () => ApiError): Promise<InputImage> {
  try {
    return await upright(image);
  } catch {
    // What libvips says of somebody's bytes is for nobody.
    throw refusal();
  }
}

/**
 * An edit whose pictures need no turning, for nodes that may ignore the orientation of a file. Throws ApiError 400 for a
 * picture that cannot be decoded.
 */
export async function uprightEdit(job: EditJob): Promise<EditJob> {
  const images: InputImage[] = [];
  // One after the other: each takes the memory of its pixels.
  for (const [i, image] of job.images.entries()) {
    images.push(await decoding(image, () => errors.invalidImageFile("image", `image ${i + 1}`)));
  }
  const mask = job.mask && (await decoding(job.mask, () => errors.invalidImageFile("mask", "the mask")));
  return { ...job, images, mask };
}
