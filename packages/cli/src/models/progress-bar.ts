import type { PullProgress } from "./pull.ts";

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;

/** A line that is written over on a terminal; elsewhere one line for each file. */
export function progressBar(out: { readonly isTTY?: boolean; write(text: string): unknown }) {
  let shown = "";
  return {
    show({ path, bytes, total }: PullProgress): void {
      if (!out.isTTY) {
        if (path !== shown) out.write(`${path}\n`);
        shown = path;
        return;
      }
      const share = total === 0 ? 1 : bytes / total;
      const bar = "#".repeat(Math.floor(share * 24)).padEnd(24, ".");
      const line = `[${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${megabytes(bytes)} of ${megabytes(total)}  ${path}`;
      // Written only where it changes, so that a fast download does not write thousands of lines.
      if (line !== shown) out.write(`\r\u001b[K${line}`);
      shown = line;
    },
    end(): void {
      if (out.isTTY && shown !== "") out.write("\n");
    },
  };
}
