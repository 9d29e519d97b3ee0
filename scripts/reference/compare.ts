/**
 * Compares what the engine draws with what diffusers drew: `node scripts/reference/compare.ts DIR`, where DIR is a model
 * folder with a `record` in it (packages/engine/test/fixtures/models/sd15). Exit 1 when a case differs by more than allowed.
 */
import { isSame, openComparison, readRecord, TOLERANCE } from "../../packages/engine/test/reference.ts";

const [folder, only] = process.argv.slice(2);
if (folder === undefined) {
  console.error("usage: node scripts/reference/compare.ts DIR [part of a case's name]");
  process.exit(2);
}
const show = (value: number | undefined) => (value === undefined ? "       –" : value.toExponential(1).padStart(8));
console.log(
  `allowed: conditioning ${TOLERANCE.conditioning}, latents ${TOLERANCE.latents}, pixels ${TOLERANCE.pixels}\n` +
    "conditioning  latents   pixels",
);
const record = readRecord(folder);
await using comparison = openComparison(record);
let bad = 0;
for (const one of record.cases.filter(({ name }) => name.includes(only ?? ""))) {
  try {
    const differences = await comparison.compare(one);
    const { conditioning, latents, pixels, firstBad, steps } = differences;
    const verdict = isSame(differences)
      ? ""
      : `  DIFFERS from step ${firstBad ?? "–"} on; steps ${steps.join(" and ")}`;
    if (verdict !== "") bad++;
    console.log(`    ${show(conditioning)} ${show(latents)} ${show(pixels)}  ${one.name}${verdict}`);
  } catch (error) {
    bad++;
    console.log(`${one.name}: REFUSED ${error instanceof Error ? error.message : String(error)}`);
  }
}
process.exitCode = bad === 0 ? 0 : 1;
