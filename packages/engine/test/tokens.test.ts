import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { loadTokenizer } from "../src/tokenizer/load-tokenizer.ts";

const FIXTURES = join(import.meta.dirname, "fixtures");

interface Recorded {
  readonly length: number;
  readonly cases: readonly (readonly [text: string, ids: readonly number[]])[];
}
// Written by scripts/reference/tokens.py in this shape.
const record = JSON.parse(readFileSync(join(FIXTURES, "tokens.json"), "utf8")) as Record<string, Recorded>;

for (const [name, { length, cases }] of Object.entries(record)) {
  test(`${name}: odd texts have the tokens that transformers gives them, padding included`, () => {
    const { tokenize } = loadTokenizer(join(FIXTURES, "models", name), length);
    for (const [text, ids] of cases) assert.deepEqual(tokenize(text).ids, ids, JSON.stringify(text));
  });
}
