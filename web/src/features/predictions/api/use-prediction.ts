import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { Prediction } from "@/api/generated/types.gen";
import { ask } from "@/api/http";
import { isTerminal } from "../lib/status";

const WAIT_SECONDS = 20;

/** A prediction and the tag of the answer that told it. */
export interface Tagged {
  prediction: Prediction;
  etag: string | null;
}

/** The newest of a prediction until its end: the server answers at each change, nothing is polled. */
export function usePrediction(submitted: Tagged | null) {
  const client = useQueryClient();
  const key = ["prediction", submitted?.prediction.task_id];
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      let known = client.getQueryData<Tagged>(key) ?? submitted;
      while (known && !isTerminal(known.prediction)) {
        known = await nextChange(known, signal);
        client.setQueryData(key, known);
      }
      return known;
    },
    enabled: submitted !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** What a prediction is at its next change, or after a while with its place in the queue brought up to date. */
export async function nextChange(known: Tagged, signal: AbortSignal): Promise<Tagged> {
  const path = `/api/v1/predictions/${known.prediction.task_id}`;
  const headers = new Headers({ Prefer: `wait=${WAIT_SECONDS}` });
  if (known.etag) {
    headers.set("If-None-Match", known.etag);
  }
  const changed = await ask(path, { headers, signal });
  // A tag covers everything but the place in the queue.
  const response = changed.status === 304 ? await ask(path, { signal }) : changed;
  return { prediction: (await response.json()) as Prediction, etag: response.headers.get("ETag") };
}
