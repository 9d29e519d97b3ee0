/** Whether an `Accept` header names a media type itself (wildcards do not count) and does not refuse it with q=0. */
export function acceptsExplicitly(accept: string | undefined, mediaType: string): boolean {
  return (accept ?? "").split(",").some((range) => {
    const [essence, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return essence === mediaType && !parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter));
  });
}
