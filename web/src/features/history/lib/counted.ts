import type { Detection } from "@/api/generated/types.gen";

/** How many there are of each label, the most frequent first. */
export function counted(detections: readonly Pick<Detection, "label">[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const { label } of detections) {
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
}
