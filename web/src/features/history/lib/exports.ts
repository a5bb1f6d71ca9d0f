/** The server's export formats, by the names that people know; `pictures` tells where pictures make sense. */
export const FORMATS = [
  { format: "coco", name: "COCO", pictures: true },
  { format: "yolo", name: "YOLO", pictures: true },
  { format: "voc", name: "Pascal VOC", pictures: true },
  { format: "csv", name: "CSV", pictures: false },
  { format: "jsonl", name: "JSON Lines", pictures: false },
] as const;

/** The path of an export of some predictions. */
export function exportPath(format: string, ids: readonly string[], pictures: boolean): string {
  const query = new URLSearchParams({ format });
  if (pictures) {
    query.set("images", "true");
  }
  for (const id of ids) {
    query.append("task_id", id);
  }
  return `/api/v1/predictions/export?${query}`;
}
