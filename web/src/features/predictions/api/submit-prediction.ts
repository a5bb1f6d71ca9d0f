import type { ModelCard, ModelList, Prediction } from "@/api/generated/types.gen";
import {
  type ApiError,
  apiError,
  ask,
  isRetryable,
  isUnauthenticated,
  retryDelay,
  unreachable,
} from "@/api/http";
import { signedIn, signInCount } from "@/api/sign-in";
import { reference, takesParameter } from "../lib/models";
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

/** Submits an input, again and again while the server is busy or away; one key makes it one prediction. */
export async function submitPrediction(
  file: File,
  card: ModelCard | undefined,
  watcher: SubmissionWatcher,
): Promise<Tagged> {
  const key = randomKey();
  for (let attempt = 0; ; attempt++) {
    const sent = signInCount();
    try {
      const form = formOf(file, card ?? (await defaultModel()));
      return await upload(form, key, watcher.onProgress);
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

async function defaultModel(): Promise<ModelCard | undefined> {
  const list = (await (await ask("/api/v1/models")).json()) as ModelList;
  return list.items.find((card) => reference(card) === list.default);
}

/** The fields of a request; without a card, for the server's own choice of a model. */
export function formOf(file: File, card: ModelCard | undefined): FormData {
  const form = new FormData();
  form.append("file", file, file.name);
  if (card) {
    form.append("model", reference(card));
  }
  if (takesParameter(card, "score_threshold")) {
    form.append("score_threshold", String(LEAST_SCORE));
  }
  return form;
}

// XMLHttpRequest, because fetch does not tell how much it has sent.
function upload(form: FormData, key: string, onProgress: (share: number) => void): Promise<Tagged> {
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
