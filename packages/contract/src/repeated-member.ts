/** An object or array that is being read. */
interface Open {
  /** Names that its members have so far; undefined for an array. */
  readonly names: Set<string> | undefined;
  /** Which item or member is being read: `[0]`, `.size`. */
  place: string;
  index: number;
  /** Whether the next string is a member's name. */
  atName: boolean;
}

/** Where the string that begins at `from` ends, after its closing quote. */
function endOfString(json: string, from: number): number {
  for (let quote = from; ; ) {
    quote = json.indexOf('"', quote + 1);
    if (quote === -1) return json.length;
    let at = quote - 1;
    while (json[at] === "\\") at--;
    if ((quote - at) % 2 === 1) return quote + 1;
  }
}

/**
 * The path of the first member that stands twice in one object of a valid JSON text: `n`, `mask.image_url`,
 * `images[0].image_url`. Names are compared after unescaping. Linear, quick over long strings.
 */
export function findRepeated(json: string): string {
  const open: Open[] = [];
  for (let i = 0; i < json.length; i++) {
    const here = open.at(-1);
    switch (json[i]) {
      case "{":
        open.push({ names: new Set(), place: "", index: 0, atName: true });
        break;
      case "[":
        open.push({ names: undefined, place: "[0]", index: 0, atName: false });
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ",":
        if (here?.names) here.atName = true;
        else if (here) here.place = `[${++here.index}]`;
        break;
      case '"': {
        const end = endOfString(json, i);
        if (here?.names && here.atName) {
          const name = String(JSON.parse(json.slice(i, end)));
          here.place = `.${name}`;
          here.atName = false;
          if (here.names.has(name)) return pathOf(open);
          here.names.add(name);
        }
        i = end - 1;
        break;
      }
    }
  }
  return "";
}

function pathOf(open: readonly Open[]): string {
  const path = open.map(({ place }) => place).join("");
  return path.startsWith(".") ? path.slice(1) : path;
}
