import type { Prediction } from "@/api/generated/types.gen";

/** Whether a prediction will not change any more. */
export function isTerminal(prediction: Prediction): boolean {
  return ["succeeded", "failed", "canceled"].includes(prediction.state);
}

/** Where a prediction stands, in words. */
export function statusText(prediction: Prediction, shown: number): string {
  switch (prediction.state) {
    case "queued":
      return queuedText(prediction);
    case "running":
      return prediction.input.kind === "image" ? "Looking at the picture …" : "At work …";
    case "succeeded":
      return hasBoxes(prediction) ? foundText(shown) : "Done";
    case "failed":
      return "Failed";
    case "canceled":
      return "Canceled";
  }
}

/** Whether a prediction is, or may yet be, one of boxes on a picture. */
export function hasBoxes({ input, result }: Prediction): boolean {
  return input.kind === "image" && (result === null || result.kind === "detections");
}

function queuedText({ queue }: Prediction): string {
  if (queue?.reason === "no_worker") {
    return "Waiting: no worker serves this model at the moment.";
  }
  if (queue?.reason === "broker_unavailable") {
    return "Waiting: the broker is away. Nothing is lost.";
  }
  if (!queue?.ahead) {
    return "Next in line …";
  }
  const wait = queue.starts_in_seconds;
  const expected = wait === null ? "" : `, starts in about ${Math.max(1, Math.round(wait))} s`;
  return `${queue.ahead} ahead${expected} …`;
}

function foundText(shown: number): string {
  if (shown === 0) {
    return "Nothing found at this score.";
  }
  return shown === 1 ? "1 thing found" : `${shown} things found`;
}
