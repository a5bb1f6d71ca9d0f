/** A value at a moment (epoch, ms); it holds until the next one. */
export interface Sample {
  at: number;
  value: number;
}

export const WINDOW_MS = 120_000;

/** Samples with another one, without those that are out of the window; the last one before it still counts. */
export function added(samples: readonly Sample[], sample: Sample): Sample[] {
  const first = samples.findLastIndex(({ at }) => at <= sample.at - WINDOW_MS);
  return [...samples.slice(Math.max(0, first)), sample];
}

/** The outline of samples as SVG path data: steps over a width and height, the moment `now` at the right. */
export function outline(
  samples: readonly Sample[],
  size: { width: number; height: number },
  now: number,
): string {
  const most = Math.max(1, ...samples.map(({ value }) => value));
  const x = (at: number) => round(Math.max(0, 1 - (now - at) / WINDOW_MS) * size.width);
  const y = (value: number) => round(size.height - (value / most) * (size.height - 2));
  let path = "";
  for (const { at, value } of samples) {
    path += path ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}`;
  }
  return path && `${path}H${size.width}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
