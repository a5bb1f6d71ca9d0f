const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Numbers, times and sizes as a language writes them. */
export interface Format {
  number: (value: number, digits?: number) => string;
  score: (value: number) => string;
  percent: (value: number) => string;
  bytes: (bytes: number) => string;
  /** A length of time in the unit that suits it. */
  duration: (seconds: number) => string;
  milliseconds: (milliseconds: number) => string;
  date: (iso: string) => string;
  moment: (iso: string) => string;
  /** A moment with its seconds, where several lie in one minute. */
  exact: (iso: string) => string;
  /** How long ago, or how soon, a moment is. */
  relative: (iso: string, now?: number) => string;
  list: (items: string[]) => string;
}

const formats = new Map<string, Format>();

/** The ways of writing of one language; a BCP 47 tag. */
export function formatOf(language: string): Format {
  const format = formats.get(language) ?? made(language);
  formats.set(language, format);
  return format;
}

function made(language: string): Format {
  // To make a formatter takes many times as long as to use it, and a list of boxes writes hundreds of numbers.
  const formatters = new Map<string, Intl.NumberFormat>();
  const number = (value: number, options: Intl.NumberFormatOptions) => {
    const key = JSON.stringify(options);
    const formatter = formatters.get(key) ?? new Intl.NumberFormat(language, options);
    formatters.set(key, formatter);
    return formatter.format(value);
  };
  const unit = (value: number, name: string, digits: number) =>
    number(value, {
      style: "unit",
      unit: name,
      unitDisplay: "short",
      maximumFractionDigits: digits,
    });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
  const list = new Intl.ListFormat(language, { type: "conjunction" });
  return {
    number: (value, digits = 0) => number(value, { maximumFractionDigits: digits }),
    score: (value) => number(value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
    percent: (value) => number(value, { style: "percent", maximumFractionDigits: 1 }),
    bytes: (bytes) => {
      const [value, name] = scaled(bytes, ["byte", "kilobyte", "megabyte", "gigabyte"]);
      return unit(value, name, value < 10 && name !== "byte" ? 1 : 0);
    },
    duration: (seconds) => {
      const [name, size] = STEPS.find(([, size]) => seconds >= size) ?? ["second", 1];
      return unit(seconds / size, name, seconds / size < 10 && seconds >= 60 ? 1 : 0);
    },
    milliseconds: (value) => unit(value, "millisecond", value < 10 ? 1 : 0),
    date: (iso) => date.format(new Date(iso)),
    moment: (iso) => moment.format(new Date(iso)),
    exact: (iso) => exact.format(new Date(iso)),
    relative: (iso, now = Date.now()) => {
      const seconds = (new Date(iso).getTime() - now) / 1000;
      const [name, size] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
      return relative.format(Math.trunc(seconds / size), name);
    },
    list: (items) => list.format(items),
  };
}

function scaled(value: number, names: string[]): [number, string] {
  const step = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), names.length - 1);
  return [value / 1000 ** step, names[step] ?? "byte"];
}
