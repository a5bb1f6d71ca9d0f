import type { Detection, Prediction } from "@/api/generated/types.gen";

const WHOLE: Prediction = {
  task_id: "a",
  state: "queued",
  queue: null,
  model: { name: "net", version: "1" },
  created_at: "2026-11-25T12:00:00Z",
  started_at: null,
  finished_at: null,
  expires_at: null,
  attempts: 0,
  batch: null,
  rerun_of: null,
  input: {
    kind: "image",
    filename: "cat.jpg",
    media_type: "image/jpeg",
    width: 400,
    height: 300,
    bytes: 1000,
    sha256: "",
  },
  parameters: {},
  result: null,
  timings_ms: {},
  error: null,
  metadata: {},
  links: {
    self: "/api/v1/predictions/a",
    input: "/api/v1/predictions/a/input",
    image: "/api/v1/predictions/a/image",
    preview: "/api/v1/predictions/a/preview",
    annotated: "/api/v1/predictions/a/annotated",
    events: "/api/v1/predictions/a/events",
  },
};

/** A prediction as the API gives it, but for what a test is about. */
export function predictionOf(parts: Partial<Prediction> = {}): Prediction {
  return { ...WHOLE, ...parts };
}

/** A prediction that has found these labels with these scores. */
export function foundOf(found: [string, number][], parts: Partial<Prediction> = {}): Prediction {
  const detections = found.map(
    ([label, score], index): Detection => ({
      label,
      score,
      class_id: index,
      box: { x_min: 0, y_min: 0, x_max: 10, y_max: 10 },
    }),
  );
  return predictionOf({ state: "succeeded", result: { kind: "detections", detections }, ...parts });
}
