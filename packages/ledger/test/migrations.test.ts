import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pendingMigrations, readMigrations } from "../src/migrations.ts";

const known = [1, 2, 3].map((version) => ({ version, name: `${version}.sql`, sql: "", checksum: `sum ${version}` }));

describe("migrations", () => {
  it("are numbered from one without a gap, for both engines", () => {
    for (const engine of ["sqlite", "postgres"]) {
      const migrations = readMigrations(new URL(`../src/${engine}/migrations/`, import.meta.url));
      assert(migrations.length > 0);
      assert.deepEqual(
        migrations.map(({ version }) => version),
        migrations.map((_, index) => index + 1),
      );
    }
  });

  it("are applied from where the database is", () => {
    assert.deepEqual(pendingMigrations(known, []), known);
    assert.deepEqual(pendingMigrations(known, known.slice(0, 2)), known.slice(2));
    assert.deepEqual(pendingMigrations(known, known), []);
  });

  it("are refused when the database is newer, or has others", () => {
    const newer = [...known, { version: 4, checksum: "sum 4" }];
    assert.throws(() => pendingMigrations(known, newer), {
      name: "LedgerSchemaError",
      message: /version 4, .* knows 3/,
    });
    assert.throws(() => pendingMigrations(known, [{ version: 1, checksum: "x" }]), { message: /migration 1 / });
    assert.throws(() => pendingMigrations(known, [{ version: 2, checksum: "sum 2" }]), { message: /migration 2 / });
  });
});
