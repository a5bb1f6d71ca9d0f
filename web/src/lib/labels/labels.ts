import type { Detection, ModelCard } from "@/api/generated/types.gen";

const ENGLISH = "en";

/** A detection as a reader sees it; its `label` stays what the API calls it. */
export interface ShownDetection extends Detection {
  name: string;
  /** Of the name, for screen readers. */
  language: string;
}

/**
 * The language of the labels: the first that the reader reads and the card has, English without any.
 * `vi-VN` finds `vi`, as the server does for annotated pictures (RFC 4647, lookup).
 */
export function labelLanguage(
  card: Pick<ModelCard, "translated_labels"> | undefined,
  read: readonly string[],
): string {
  const known = [ENGLISH, ...Object.keys(card?.translated_labels ?? {})];
  for (const tag of read) {
    const parts = tag.toLowerCase().split("-");
    for (let count = parts.length; count > 0; count--) {
      const wanted = parts.slice(0, count).join("-");
      const found = known.find((each) => each.toLowerCase() === wanted);
      if (found) {
        return found;
      }
    }
  }
  return ENGLISH;
}

/** Detections with their labels in a language; in English where one is not translated. */
export function inLanguage(
  detections: Detection[],
  card: Pick<ModelCard, "translated_labels"> | undefined,
  language: string,
): ShownDetection[] {
  const names = card?.translated_labels[language] ?? {};
  return detections.map((detection) => {
    const name = names[detection.class_id];
    return name === undefined
      ? { ...detection, name: detection.label, language: ENGLISH }
      : { ...detection, name, language };
  });
}

/** What a card's labels are called in a language. */
export function labelNames(
  card: Pick<ModelCard, "labels" | "translated_labels"> | undefined,
  language: string,
): Map<string, string> {
  const names = card?.translated_labels[language] ?? {};
  return new Map(
    Object.entries(card?.labels ?? {}).map(([id, label]) => [label, names[id] ?? label]),
  );
}
