/** Where debug lines go, such as `console`. Keys and bodies are never among them. */
export interface Logger {
  group(label?: string): void;
  groupEnd(): void;
  log(message: unknown, ...args: unknown[]): void;
}
