import type { Prediction } from "@/api/generated/types.gen";
import { apiError, problemOf, unreachable } from "@/api/http";
import { signedIn, signInCount } from "@/api/sign-in";
import type { Sending, Upload } from "../lib/upload-queue";

const UNAUTHENTICATED = 401;
const URL = "/api/v1/predictions";

/** Sends an input; where one has to sign in first (again), it waits for that and sends it once more. */
export async function sendUpload(upload: Upload, sending: Sending): Promise<Prediction> {
  for (;;) {
    const sent = signInCount();
    try {
      return await sendOnce(upload, sending);
    } catch (error) {
      if (problemOf(error).status !== UNAUTHENTICATED) {
        throw error;
      }
      await signedIn(sent);
    }
  }
}

/** Sends an input; told how far it is. The generated client cannot tell: fetch does not know how much it has sent. */
function sendOnce(
  { key, file, batch, fields }: Upload,
  { signal, onProgress }: Sending,
): Promise<Prediction> {
  const form = new FormData();
  for (const [name, value] of [["batch", batch], ...fields] as [string, string][]) {
    form.append(name, value);
  }
  form.append("file", file, file.name);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", URL);
    request.setRequestHeader("Idempotency-Key", `"${key}"`);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / Math.max(event.total, 1));
    request.upload.onload = () => onProgress(1);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("canceled", "AbortError"));
    request.onload = () => {
      if (request.status < 300) {
        resolve(request.response as Prediction);
      } else {
        reject(
          apiError(request.status, request.response, request.getResponseHeader("Retry-After")),
        );
      }
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}
