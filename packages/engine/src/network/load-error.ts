import { ModelFolderError } from "../folder/fields.ts";

/** What ONNX Runtime says where a file of weights beside the graph is missing, or shorter than the graph has it. */
const MISSING = /External data path does not exist: "([^"]+)"/u;
const TOO_SHORT = /External initializer: (\S+) offset: \d+ size to read: \d+ given file_length: (\d+)/u;

/** Which file of weights keeps a network from being loaded, and what would do; undefined where it is something else. */
export function loadError(file: string, cause: unknown): ModelFolderError | undefined {
  const said = cause instanceof Error ? cause.message : "";
  const missing = MISSING.exec(said)?.[1];
  if (missing !== undefined) {
    return new ModelFolderError(
      `${missing}: missing; it holds weights of ${file}, which needs every file of its folder`,
    );
  }
  const short = TOO_SHORT.exec(said);
  if (short) {
    return new ModelFolderError(
      `${file}: the file with its weights ends at byte ${short[2]}, before ${short[1]}; it is incomplete, fetch it again`,
    );
  }
  return undefined;
}
