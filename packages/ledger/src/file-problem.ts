/** What the errors of a file system mean to the person who chose the folder (errno(3)). */
const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: "this user has no permission",
  EPERM: "this user has no permission",
  EROFS: "the file system is read-only",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "a part of the path is a file",
  EISDIR: "it is a folder",
  ENOENT: "it cannot be made there",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open",
};

/** Why a file or folder cannot be used, in words; undefined for errors of another kind. */
export function fileProblem(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return undefined;
  return MEANINGS[error.code];
}
