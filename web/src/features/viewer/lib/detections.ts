import type { Detection } from "@/api/generated/types.gen";

/** What the reader wants to see of a result. */
export interface View {
  /** Least score; null for the card's default. */
  score: number | null;
  /** Labels that are left out. */
  hidden: readonly string[];
  /** Whether boxes have their labels. */
  labels: boolean;
}

export const WHOLE_VIEW: View = { score: null, hidden: [], labels: true };

/** Results are asked for down to this score. */
export const LEAST_SCORE = 0.05;

/** A detection, and its place in the result: that is all the identity it has. */
export interface Shown {
  detection: Detection;
  index: number;
}

/** What is to be seen of detections, best first. */
export function shownOf(
  detections: readonly Detection[],
  score: number,
  hidden: readonly string[],
): Shown[] {
  return detections
    .map((detection, index) => ({ detection, index }))
    .filter(({ detection }) => detection.score >= score && !hidden.includes(detection.label));
}

/** A label of a result: how many there are at a score, whatever is hidden. */
export interface LabelCount {
  label: string;
  classId: number;
  count: number;
}

/** Every label of the whole result, those that are found most often first; none goes while the score moves. */
export function labelCounts(detections: readonly Detection[], score: number): LabelCount[] {
  const counts = new Map<string, LabelCount>();
  for (const { label, class_id: classId, score: found } of detections) {
    const known = counts.get(label) ?? { label, classId, count: 0 };
    counts.set(label, { ...known, count: known.count + (found >= score ? 1 : 0) });
  }
  return [...counts.values()].sort((one, other) => other.count - one.count);
}

/** The `classes` that stand for a view in a request: none where all are shown. */
export function classesOf(detections: readonly Detection[], hidden: readonly string[]): string[] {
  const labels = [...new Set(detections.map(({ label }) => label))];
  const shown = labels.filter((label) => !hidden.includes(label));
  if (shown.length === labels.length) {
    return [];
  }
  // No label at all is one that nothing has: an empty list would mean all.
  return shown.length === 0 ? [""] : shown;
}
