export const requestId = { "x-request-id": { schema: { type: "string" } } };

/** A header that is described in words. */
export const text = (description: string) => ({ description, schema: { type: "string" } });

/** Builders of references and answers over the schemas of one document, so that no name can be wrong. */
export function openApiParts<Name extends string>(_schemas: Readonly<Record<Name | "ErrorResponse", unknown>>) {
  const ref = (name: Name | "ErrorResponse") => ({ $ref: `#/components/schemas/${name}` });
  const json = (description: string, ...names: [Name | "ErrorResponse", ...(Name | "ErrorResponse")[]]) => ({
    description,
    headers: requestId,
    content: { "application/json": { schema: names.length === 1 ? ref(names[0]) : { anyOf: names.map(ref) } } },
  });
  const failure = (description: string) => json(description, "ErrorResponse");
  return { ref, json, failure };
}
