import type { Prediction } from "@/api/generated/types.gen";
import {
  type ApiError,
  apiError,
  isRetryable,
  isUnauthenticated,
  retryDelay,
  unreachable,
} from "@/api/http";
import { signedIn, signInCount } from "@/api/sign-in";
import type { Tagged } from "./use-prediction";

/** Detections are asked for down to this score; the page filters, so that the slider needs no request. */
export const LEAST_SCORE = 0.05;
const URL = "/api/v1/predictions";

/** What a submission tells while it goes on. */
export interface SubmissionWatcher {
  /** How much has been sent, 0 to 1. */
  onProgress: (share: number) => void;
  /** The server is busy or away; it is tried again after this time. */
  onWait: (error: Error, delayMs: number) => void;
}

/** Submits a picture, again and again while the server is busy or away; one key makes it one prediction. */
export async function submitPrediction(file: File, watcher: SubmissionWatcher): Promise<Tagged> {
  const key = randomKey();
  for (let attempt = 0; ; attempt++) {
    const sent = signInCount();
    try {
      return await upload(file, key, watcher.onProgress);
    } catch (error) {
      if (isUnauthenticated(error)) {
        await signedIn(sent);
        continue;
      }
      if (!(error instanceof Error) || !isRetryable(error)) {
        throw error;
      }
      const delay = retryDelay(error, attempt);
      watcher.onWait(error, delay);
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }
}

// Not crypto.randomUUID: browsers keep that from pages without TLS.
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16)).join(
    "-",
  );
}

// XMLHttpRequest, because fetch does not tell how much it has sent.
function upload(file: File, key: string, onProgress: (share: number) => void): Promise<Tagged> {
  const form = new FormData();
  form.append("image", file, file.name);
  form.append("score_threshold", String(LEAST_SCORE));
  return new Promise((resolve, reject: (error: ApiError) => void) => {
    const request = new XMLHttpRequest();
    request.open("POST", URL);
    request.setRequestHeader("Idempotency-Key", `"${key}"`);
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.onerror = () => reject(unreachable());
    request.onload = () =>
      request.status < 300
        ? resolve({
            prediction: JSON.parse(request.responseText) as Prediction,
            etag: request.getResponseHeader("ETag"),
          })
        : reject(
            apiError(
              request.status,
              request.responseText,
              request.getResponseHeader("Retry-After"),
            ),
          );
    request.send(form);
  });
}
