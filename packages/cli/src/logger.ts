import pino, { type Logger } from "pino";

/** JSON lines on stderr. Fields that could hold a secret are cut wherever they appear. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      redact: { paths: ["*.authorization", "*.headers.authorization", "*.prompt", "*.token"], remove: true },
    },
    pino.destination({ dest: 2, sync: false }),
  );
}
