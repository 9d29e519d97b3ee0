import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sumSamples } from "../src/nodes/prometheus.ts";

const NAMES = ["n:running", "n:waiting"];
const read = (text: string) => Object.fromEntries(sumSamples(text, NAMES));

test("samples are added up over their labels; everything else is passed over", () => {
  const cases: [string, object][] = [
    ["", {}],
    ["n:running 3", { "n:running": 3 }],
    ["n:running 3\nn:waiting 4.0\n", { "n:running": 3, "n:waiting": 4 }],
    ["n:running 3 1395066363000\r\n", { "n:running": 3 }],
    ['n:running{model="a"} 1\nn:running{model="b"} 2e0\n', { "n:running": 3 }],
    ['n:running{model="a } \\"b\\" {c\\\\",} 5', { "n:running": 5 }],
    ['n:running{model="a b 7"}\t6', { "n:running": 6 }],
    ["n:running 0", { "n:running": 0 }],
    ["# HELP n:running 9\n# TYPE n:running gauge\n #n:running 9", {}],
    ['n:running_created 9\nn:running_total{a="b"} 9\nan:running 9', {}],
    ["n:running NaN\nn:running +Inf\nn:running -1\nn:running x\nn:running\nn:running{ 4\nn:running{} ", {}],
    ['<html>n:running 4</html>\n{"n:running": 4}', {}],
    [`n:running{m="${"x".repeat(5000)}"} 4\nn:waiting 1`, { "n:waiting": 1 }],
  ];
  for (const [text, sums] of cases) assert.deepEqual(read(text), sums, text.slice(0, 80));
});

test("whatever a server sends, it gives amounts or nothing", () => {
  const piece = fc.oneof(
    fc.constantFrom("n:running", "n:waiting", "{", "}", '"', "\\", " ", "\n", "=", ",", "1e5", "-", "#"),
    fc.string(),
  );
  const text = fc.array(piece, { maxLength: 200 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, (sent) => {
      for (const [name, value] of sumSamples(sent, NAMES)) {
        assert.ok(NAMES.includes(name) && Number.isFinite(value) && value >= 0);
      }
    }),
    { numRuns: 2000 },
  );
});
