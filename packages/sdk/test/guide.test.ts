import assert from "node:assert/strict";
import { test } from "node:test";
import { gateway } from "./support/gateway.ts";
import { programFolder, programsOf, runProgram, writeProgram } from "./support/programs.ts";

const folder = programFolder();

for (const [page, count] of [
  ["sdk.md", 10],
  ["sdk/images-generate.md", 4],
] as const) {
  const programs = programsOf(page);
  test(`docs/${page} has its programs`, () => assert.equal(programs.length, count));
  for (const [i, program] of programs.entries()) {
    test(`the program of docs/${page} under "${program.section}" (${i + 1}) runs`, async (t) => {
      const server = await gateway(t);
      await runProgram(folder, writeProgram(folder, program, server.url));
      assert.ok(server.seen.length > 0, "the server was asked");
    });
  }
}
