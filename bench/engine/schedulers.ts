/**
 * Repeats diffusers' scheduler runs and compares. For each: its name, the relative error of the sum, the largest error of
 * the recorded elements. Ends with 1 where an error is above 1e-5 or a run is refused.
 * Usage: node bench/engine/schedulers.ts FILE… [--scaled | --unscaled]
 * FILE has the form of packages/engine/test/schedulers/pipeline.json. `--scaled`: each step goes on with the scaled sample,
 * as in diffusers' own tests and in scaled.json; by default the file's `_about` tells.
 */
import { parseArgs } from "node:util";
import { compareFile } from "../../packages/engine/test/scheduler-run.ts";

const LIMIT = 1e-5;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { scaled: { type: "boolean" }, unscaled: { type: "boolean" } },
});
if (positionals.length === 0) {
  console.error("Usage: node bench/engine/schedulers.ts FILE… [--scaled | --unscaled]");
  process.exit(2);
}

let failed = 0;
let runs = 0;
for (const file of positionals) {
  for (const one of compareFile(file, values.unscaled ? false : values.scaled)) {
    runs++;
    if ("refusal" in one) {
      failed++;
      console.log(`${one.name.padEnd(40)} refused: ${one.refusal}`);
      continue;
    }
    const bad = one.sum > LIMIT || one.elements > LIMIT;
    if (bad) failed++;
    const cells = [one.sum, one.elements].map((error) => error.toExponential(1).padStart(9));
    console.log(`${one.name.padEnd(40)} sum ${cells[0]}  elements ${cells[1]}${bad ? "  ABOVE 1e-5" : ""}`);
  }
}
console.log(`${runs - failed} of ${runs} within ${LIMIT}`);
process.exitCode = failed > 0 ? 1 : 0;
