import type { Picture } from "./gallery/picture.ts";

/** Programs that make a picture again. */
export const SAMPLE_LANGUAGES = ["curl", "TypeScript", "Python"] as const;
export type SampleLanguage = (typeof SAMPLE_LANGUAGES)[number];

/** The request's fields as the API names them. */
function fieldsOf(picture: Picture) {
  const { model, prompt, negativePrompt, size, seed, steps, guidanceScale, scheduler, format } = picture;
  return {
    model,
    prompt,
    ...(negativePrompt !== "" && { negative_prompt: negativePrompt }),
    ...(scheduler !== "" && { scheduler }),
    ...{ size, seed, steps, guidance_scale: guidanceScale, output_format: format },
  };
}

/** Within single quotes of a shell (POSIX). */
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function curl(picture: Picture, origin: string, file: string): string {
  const body = quoted(JSON.stringify({ ...fieldsOf(picture), response_format: "b64_json" }));
  return [
    `curl -s ${quoted(`${origin}/v1/images/generations`)} \\`,
    `  -H "Authorization: Bearer $ATOMASDK_BEARER_AUTH" -H "Content-Type: application/json" \\`,
    `  -d ${body} \\`,
    `  | sed 's/.*"b64_json":"\\([^"]*\\)".*/\\1/' | base64 -d > ${file}`,
  ].join("\n");
}

function typescript(picture: Picture, origin: string, file: string): string {
  const { negative_prompt, guidance_scale, output_format, ...same } = fieldsOf(picture);
  const fields = {
    ...same,
    ...(negative_prompt !== undefined && { negativePrompt: negative_prompt }),
    guidanceScale: guidance_scale,
    outputFormat: output_format,
  };
  const lines = Object.entries(fields).map(([name, value]) => `  ${name}: ${JSON.stringify(value)},`);
  return [
    `import { AtomaSDK } from "atoma-sdk";`,
    "",
    `const sdk = new AtomaSDK({ serverURL: ${JSON.stringify(origin)}, bearerAuth: process.env.ATOMASDK_BEARER_AUTH });`,
    "const { data } = await sdk.images.generate({",
    ...lines,
    "});",
    `await data[0]?.save(${JSON.stringify(file)});`,
  ].join("\n");
}

/** JSON texts and numbers are Python's, too, but for characters outside of the BMP, which stand as themselves. */
const python = (value: unknown) => JSON.stringify(value);

function pythonSample(picture: Picture, origin: string, file: string): string {
  const { model, prompt, size, output_format, ...extra } = fieldsOf(picture);
  const extras = Object.entries(extra).map(([name, value]) => `"${name}": ${python(value)}`);
  return [
    "import base64, os",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${python(`${origin}/v1`)}, api_key=os.environ["ATOMASDK_BEARER_AUTH"])`,
    "result = client.images.generate(",
    `    model=${python(model)},`,
    `    prompt=${python(prompt)},`,
    `    size=${python(size)},`,
    `    output_format=${python(output_format)},`,
    `    extra_body={${extras.join(", ")}},`,
    ")",
    `with open(${python(file)}, "wb") as out:`,
    "    out.write(base64.b64decode(result.data[0].b64_json))",
  ].join("\n");
}

/** `file` is what the picture is saved as. */
export function codeSample(language: SampleLanguage, picture: Picture, origin: string, file: string): string {
  const write = { curl, TypeScript: typescript, Python: pythonSample }[language];
  return write(picture, origin, file);
}
