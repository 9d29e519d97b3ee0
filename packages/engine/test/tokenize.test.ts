import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ModelFolderError } from "../src/folder/fields.ts";
import { loadTokenizer } from "../src/tokenizer/load-tokenizer.ts";
import { copyOfTiny, editJson, TINY, temporaryFolder } from "./support.ts";

test("a prompt becomes special tokens, its words, padding", () => {
  const { tokenize } = loadTokenizer(join(TINY, "tokenizer"), 32);
  const { ids, mask, textTokens } = tokenize("A red CIRCLE");
  assert.deepEqual(ids, [...tokenize("a red circle").ids], "letter case does not matter");
  assert.equal(ids.length, 32);
  assert.equal(textTokens, 3);
  const real = ids.indexOf(0);
  assert.equal(real, 3 + tokenize("").ids.indexOf(0), "the words stand behind the special tokens");
  assert.deepEqual(mask, [...Array(real).fill(1), ...Array(32 - real).fill(0)]);
});

test("words that the tokenizer does not know are named once each, as they were written", () => {
  const { unknownWords } = loadTokenizer(join(TINY, "tokenizer"), 32);
  assert.deepEqual(unknownWords("a red circle on a blue background", 32), []);
  assert.deepEqual(unknownWords("a red 🦊, a blue 日本, a 🦊", 32), ["🦊", "日本"]);
  assert.deepEqual(unknownWords("🦊 🦉 🐢", 2), ["🦊", "🦉"]);
});

test("a prompt too long is cut", () => {
  const { tokenize } = loadTokenizer(join(TINY, "tokenizer"), 32);
  const special = tokenize("").ids.indexOf(0);
  const { ids, textTokens } = tokenize("red ".repeat(5000));
  assert.equal(ids.length, 32);
  assert.equal(textTokens, 32 - special);
  assert.ok(!ids.includes(0));
});

test("a cut prompt keeps its end mark", () => {
  using folder = temporaryFolder();
  copyOfTiny(folder.path);
  editJson(join(folder.path, "tokenizer/tokenizer.json"), (tokenizer) => {
    const mark = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
    const single = [mark("[GLOBAL]"), { Sequence: { id: "A", type_id: 0 } }, mark("[OBJECT1]")];
    tokenizer.post_processor = Object.assign({}, tokenizer.post_processor, { single });
  });
  const { tokenize } = loadTokenizer(join(folder.path, "tokenizer"), 8);
  const begin = tokenize("").ids[0];
  const end = tokenize("").ids[1];
  assert.notEqual(begin, end);
  const short = tokenize("red circle").ids;
  assert.deepEqual([short[0], short[3], short[4]], [begin, end, 0]);
  const long = tokenize("red ".repeat(100));
  assert.deepEqual([long.ids[0], long.ids[7], long.ids.length, long.textTokens], [begin, end, 8, 6]);
});

test("a file that is no tokenizer, and a padding token unknown to it, are named", () => {
  using folder = temporaryFolder();
  copyOfTiny(folder.path);
  const config = join(folder.path, "tokenizer/tokenizer_config.json");
  editJson(config, (value) => {
    value.pad_token = "[NOPE]";
  });
  assert.throws(() => loadTokenizer(join(folder.path, "tokenizer"), 32), /tokenizer_config.json: "pad_token" \[NOPE\]/);
  editJson(join(folder.path, "tokenizer/tokenizer.json"), (value) => {
    value.model = { type: "Nonsense" };
  });
  assert.throws(() => loadTokenizer(join(folder.path, "tokenizer"), 32), ModelFolderError);
});
