/** The server's export formats, by the names that people know; `boxes` and `pictures` tell for what they are made. */
export const FORMATS = [
  { format: "coco", name: "COCO", boxes: true, pictures: true },
  { format: "yolo", name: "YOLO", boxes: true, pictures: true },
  { format: "voc", name: "Pascal VOC", boxes: true, pictures: true },
  { format: "csv", name: "CSV", boxes: true, pictures: false },
  { format: "jsonl", name: "JSON Lines", boxes: false, pictures: false },
] as const;

export type Format = (typeof FORMATS)[number]["format"];

interface Chosen {
  ids: readonly string[];
  pictures?: boolean;
  /** Least score; without it, all that was found. */
  score?: number;
  /** Labels; without them, all. */
  classes?: readonly string[];
}

/** The path of an export of some predictions. */
export function exportPath(format: Format, { ids, pictures, score, classes }: Chosen): string {
  const query = new URLSearchParams({ format });
  if (pictures) {
    query.set("images", "true");
  }
  for (const id of ids) {
    query.append("task_id", id);
  }
  if (score !== undefined) {
    query.set("score_threshold", String(score));
  }
  for (const label of classes ?? []) {
    query.append("classes", label);
  }
  return `/api/v1/predictions/export?${query}`;
}
