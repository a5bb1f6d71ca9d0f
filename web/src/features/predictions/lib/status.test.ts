import { expect, test } from "vitest";
import type { Prediction, QueuePlace } from "@/api/generated/types.gen";
import { isTerminal, statusText } from "./status";

function prediction(state: Prediction["state"], queue: QueuePlace | null = null): Prediction {
  return {
    task_id: "1",
    state,
    queue,
    model: { name: "net", version: "1" },
    created_at: "2026-11-24T00:00:00Z",
    started_at: null,
    finished_at: null,
    expires_at: null,
    attempts: 0,
    batch: null,
    rerun_of: null,
    input: {
      kind: "image",
      filename: null,
      media_type: "image/jpeg",
      width: 1,
      height: 1,
      bytes: 1,
      sha256: "",
    },
    parameters: {},
    result: null,
    timings_ms: {},
    error: null,
    metadata: {},
    links: null,
  };
}

const place: QueuePlace = { ahead: 0, workers: 1, starts_in_seconds: null, reason: null };

test.each([
  [place, "Next in line …"],
  [{ ...place, ahead: 3 }, "3 ahead …"],
  [{ ...place, ahead: 3, starts_in_seconds: 0.2 }, "3 ahead, starts in about 1 s …"],
  [
    { ...place, reason: "no_worker" as const },
    "Waiting: no worker serves this model at the moment.",
  ],
])("a place in the queue in words", (queue, words) => {
  expect(statusText(prediction("queued", queue), 0)).toBe(words);
});

test("what has no boxes is done", () => {
  const done = prediction("succeeded");
  expect(statusText({ ...done, result: { kind: "json", data: [] } }, 0)).toBe("Done");
  expect(statusText({ ...done, input: { ...done.input, kind: "file" } }, 0)).toBe("Done");
});

test("what was found is counted", () => {
  expect(statusText(prediction("succeeded"), 0)).toBe("Nothing found at this score.");
  expect(statusText(prediction("succeeded"), 1)).toBe("1 thing found");
  expect(statusText(prediction("succeeded"), 2)).toBe("2 things found");
});

test("only the last three states are final", () => {
  const states = ["queued", "running", "succeeded", "failed", "canceled"] as const;
  expect(states.filter((state) => isTerminal(prediction(state)))).toEqual([
    "succeeded",
    "failed",
    "canceled",
  ]);
});
