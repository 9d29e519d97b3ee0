import { useMemo } from "react";
import { useLanguage } from "../shared/i18n/language.tsx";

/** Numbers and times as people of the page's language write them. */
export interface Format {
  whole(value: number): string;
  /** In round figures: 3.81 M. */
  round(value: number): string;
  time(ms: number): string;
  /** Short, for an axis: the hour, or the day. */
  moment(ms: number, hours: boolean): string;
  /** A duration: 812 ms, 3.4 s, 12 min. */
  duration(ms: number): string;
  share(part: number, of: number): string;
}

const MINUTE_MS = 60_000;

export function useFormat(): Format {
  const { language, locale } = useLanguage();
  return useMemo(() => {
    const whole = new Intl.NumberFormat(locale);
    // British English writes millions as "m", which reads as a thousandth.
    const round = new Intl.NumberFormat(language, { notation: "compact", maximumSignificantDigits: 3 });
    const one = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
    const time = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
    const hour = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
    const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
    return {
      moment: (ms, hours) => (hours ? hour : day).format(ms),
      whole: (value) => whole.format(value),
      round: (value) => round.format(value),
      time: (ms) => time.format(ms),
      duration(ms) {
        if (ms < 1000) return `${whole.format(Math.round(ms))} ms`;
        return ms < 2 * MINUTE_MS ? `${one.format(ms / 1000)} s` : `${one.format(ms / MINUTE_MS)} min`;
      },
      share: (part, of) => percent.format(of === 0 ? 0 : part / of),
    };
  }, [language, locale]);
}
