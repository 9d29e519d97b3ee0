/** Whether what a server sent is an object whose fields can be looked at; an array is one, too. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
