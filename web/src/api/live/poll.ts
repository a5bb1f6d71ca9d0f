import type { QueryClient } from "@tanstack/react-query";
import { predictionsGet } from "@/api/generated/sdk.gen";
import { answer, retryDelay } from "@/api/http";
import type { LiveCache } from "./live-cache";
import { pause } from "./pause";

const WAIT = "wait=20";

/**
 * Asks for changes where events do not come through: the oldest unfinished prediction is waited for, and its end is
 * the time to ask for the rest. Nothing is asked while nothing is unfinished.
 */
export async function poll(signal: AbortSignal, client: QueryClient, cache: LiveCache) {
  for (let failures = 0; !signal.aborted; ) {
    const [oldest] = cache.unfinished();
    if (!oldest) {
      await nextChange(client, signal);
      continue;
    }
    try {
      const { task_id } = oldest;
      cache.tell(
        await answer(predictionsGet({ path: { task_id }, headers: { prefer: WAIT }, signal })),
      );
      failures = 0;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      // Whatever it was: what is deleted is asked for until the rest tells so, and not without end in between.
      await pause(retryDelay(error, failures++), signal);
    }
    cache.refetch();
  }
}

function nextChange(client: QueryClient, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      unsubscribe();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const unsubscribe = client.getQueryCache().subscribe(done);
    signal.addEventListener("abort", done);
  });
}
