import { eventsFollow } from "@/api/generated/sdk.gen";
import { signedInFetch } from "@/api/signed-in-fetch";

/** One event of the server's stream; `event` is absent for a line that only sets the stream up. */
export interface ServerEvent {
  event?: string | undefined;
  id?: string | undefined;
  data: unknown;
}

/** How a connection came to its end. */
export type StreamEnd = "ended" | "held back";

export interface StreamOptions {
  lastEventId: string | undefined;
  signal: AbortSignal;
  onEvent: (event: ServerEvent) => void;
}

/** The server's first bytes come at once; a proxy that waits for more of them holds them back. */
const FIRST_BYTES_MS = 6_000;
/** A comment comes every 15 seconds, so a longer silence is a dead connection. */
const SILENCE_MS = 40_000;

/** Reads the event stream until its connection ends, falls silent, or turns out to be held back by a proxy. */
export async function readStream({
  lastEventId,
  signal,
  onEvent,
}: StreamOptions): Promise<StreamEnd> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal.addEventListener("abort", abort);
  let outcome: StreamEnd = "ended";
  let answered = false;
  let timer = 0;
  const expectBytes = (within: number) => {
    clearTimeout(timer);
    timer = window.setTimeout(abort, within);
  };
  const watched = async (request: RequestInfo | URL) => {
    const response = await signedInFetch(request);
    if (!response.ok || !response.body) {
      return response;
    }
    expectBytes(FIRST_BYTES_MS);
    outcome = "held back";
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          answered = true;
          outcome = "ended";
          expectBytes(SILENCE_MS);
          controller.enqueue(chunk);
        },
      }),
    );
    return new Response(body, { status: response.status, headers: response.headers });
  };
  try {
    const { stream } = await eventsFollow({
      // Once for all pages: to ask for it only where it shows would need another stream.
      query: { load: true },
      signal: stop.signal,
      fetch: watched,
      headers: lastEventId ? { "last-event-id": lastEventId } : {},
      // Whoever reads decides about the next try.
      sseMaxRetryAttempts: 1,
      onSseEvent: ({ event, id, data }) => onEvent({ event, id, data }),
    });
    for await (const _ of stream) {
      // Told by `onSseEvent`, which knows the event's name.
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
  return answered ? "ended" : outcome;
}
