import type { Detection } from "@/api/generated/types.gen";
import type { ShownDetection } from "@/lib/labels/labels";

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

/** A detection, and its place in the result: that is all the identity it has. */
export interface Shown<T extends Detection = ShownDetection> {
  detection: T;
  index: number;
}

/** What is to be seen of detections, best first. */
export function shownOf<T extends Detection>(
  detections: readonly T[],
  score: number,
  hidden: readonly string[],
): Shown<T>[] {
  return detections
    .map((detection, index) => ({ detection, index }))
    .filter(({ detection }) => detection.score >= score && !hidden.includes(detection.label));
}

/** A label of a result: how many there are at a score, whatever is hidden. */
export interface LabelCount {
  label: string;
  /** The label as the reader reads it. */
  name: string;
  classId: number;
  count: number;
}

/** Every label of the whole result, those that are found most often first; none goes while the score moves. */
export function labelCounts(detections: readonly ShownDetection[], score: number): LabelCount[] {
  const counts = new Map<string, LabelCount>();
  for (const { label, name, class_id: classId, score: found } of detections) {
    const known = counts.get(label) ?? { label, name, classId, count: 0 };
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
