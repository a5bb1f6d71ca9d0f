import { expect, test } from "vitest";
import type { Delivery, DeliveryAttempt } from "@/api/generated/types.gen";
import { isSending, nextLook } from "./deliveries";

const NOW = Date.parse("2026-11-25T09:30:00Z");

function attempt(number: number): DeliveryAttempt {
  const started_at = "2026-11-25T09:29:00Z";
  return { number, started_at, duration_ms: 12, status: 503, error: "the answer is no success" };
}

function pending(seconds: number, made = 1, ended = made): Delivery {
  return {
    task_id: "a",
    webhook_id: "a_succeeded",
    event: "succeeded",
    url: "https://app.example/",
    state: "pending",
    created_at: "2026-11-25T09:29:00Z",
    ended_at: null,
    next_attempt_at: new Date(NOW + seconds * 1000).toISOString(),
    attempts_made: made,
    attempts: Array.from({ length: ended }, (_, index) => attempt(index + 1)),
  };
}

const delivered: Delivery = { ...pending(0), state: "delivered", next_attempt_at: null };

test("a log in which all has ended is not looked at again", () => {
  expect(nextLook([], NOW)).toBe(false);
  expect(nextLook([delivered, { ...delivered, state: "given_up" }], NOW)).toBe(false);
});

test("it is looked at again just after the first attempt that is due", () => {
  expect(nextLook([delivered, pending(600), pending(10)], NOW)).toBe(11_500);
});

test("what is due or overdue is not asked about without pause", () => {
  expect(nextLook([pending(0)], NOW)).toBe(2_000);
  expect(nextLook([pending(-3600)], NOW)).toBe(2_000);
});

test("while an attempt goes on, the end of its loan is no reason to wait", () => {
  expect(isSending(pending(60, 1, 0))).toBe(true);
  expect(nextLook([pending(60, 1, 0)], NOW)).toBe(2_000);
  expect(nextLook([pending(60, 3, 2)], NOW)).toBe(2_000);
});

test("a delivery whose attempts have all ended is not being sent", () => {
  expect(isSending(pending(60, 0))).toBe(false);
  expect(isSending(pending(60, 2))).toBe(false);
  // Of many attempts only the last are kept.
  const kept = { ...pending(60), attempts_made: 30, attempts: [attempt(29), attempt(30)] };
  expect(isSending(kept)).toBe(false);
  expect(isSending({ ...pending(60, 1, 0), state: "disabled" })).toBe(false);
});
