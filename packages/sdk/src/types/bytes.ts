/** A Uint8Array on memory of its own. TypeScript before 5.7 has no name for it: there it is just Uint8Array. */
export type Bytes = ReturnType<typeof Uint8Array.of>;
