import { pause } from "./pause";
import { readStream, type ServerEvent } from "./stream";

/** How the page hears of changes at the moment. */
export type LiveStatus = "connecting" | "live" | "polling" | "offline";

export interface Follower {
  onEvent: (event: ServerEvent) => void;
  onStatus: (status: LiveStatus) => void;
  /** Asks for changes instead, for a while; where no events come through. */
  poll: (signal: AbortSignal) => Promise<void>;
}

const POLLING_MS = 300_000;
const DELAYS_MS = [250, 1_000, 3_000, 5_000];

/** Follows the server's events, from the one that was heard last, for as long as the page lives, whatever happens. */
export async function follow(
  signal: AbortSignal,
  follower: Follower,
  heardLast?: string,
): Promise<void> {
  let lastEventId = heardLast;
  let failures = 0;
  follower.onStatus("connecting");
  while (!signal.aborted) {
    const end = await readStream({
      lastEventId,
      signal,
      onEvent: (event) => {
        failures = 0;
        lastEventId = event.id ?? lastEventId;
        follower.onStatus("live");
        follower.onEvent(event);
      },
    });
    if (end === "held back") {
      follower.onStatus("polling");
      await follower.poll(AbortSignal.any([signal, AbortSignal.timeout(POLLING_MS)]));
    } else {
      if (failures > 0) {
        follower.onStatus("offline");
      }
      await pause(DELAYS_MS[Math.min(failures, DELAYS_MS.length - 1)] ?? 0, signal);
      failures++;
    }
  }
}
