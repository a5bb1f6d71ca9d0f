import type { Delivery, DeliveryAttempt } from "@/api/generated/types.gen";

/** What the server takes at most to begin with what is due, and a receiver that is well to answer. */
const TAKEN_UP_MS = 1_500;
const LEAST_WAIT_MS = 2_000;

type Progress = Pick<Delivery, "state" | "next_attempt_at" | "attempts_made" | "attempts">;

/** The last attempt that came to an end. */
export function lastAttempt({ attempts }: Pick<Delivery, "attempts">): DeliveryAttempt | undefined {
  return attempts.at(-1);
}

/** Whether an attempt is going on: it is counted when it begins, and listed when it ends. */
export function isSending(delivery: Progress): boolean {
  return (
    delivery.state === "pending" && delivery.attempts_made > (lastAttempt(delivery)?.number ?? 0)
  );
}

/** Milliseconds until the log is worth another look; false while nothing in it is underway. */
export function nextLook(deliveries: readonly Progress[], now: number): number | false {
  const waits = deliveries
    .filter(({ state }) => state === "pending")
    .map((delivery) =>
      isSending(delivery) || delivery.next_attempt_at === null
        ? 0
        : Date.parse(delivery.next_attempt_at) - now + TAKEN_UP_MS,
    );
  return waits.length > 0 && Math.max(Math.min(...waits), LEAST_WAIT_MS);
}
