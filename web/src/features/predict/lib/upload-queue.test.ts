import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Prediction } from "@/api/generated/types.gen";
import { type ApiError, apiError } from "@/api/http";
import { predictionOf } from "@/testing/predictions";
import { type Sending, type Upload, UploadQueue } from "./upload-queue";

interface Sent {
  upload: Upload;
  sending: Sending;
  accept: () => void;
  refuse: (error: ApiError) => void;
}

let sent: Sent[];
let kept: Set<string>;
let accepted: string[];
let unwanted: string[];
let queue: UploadQueue;

beforeEach(() => {
  vi.useFakeTimers();
  sent = [];
  kept = new Set();
  accepted = [];
  unwanted = [];
  queue = new UploadQueue({
    send: (upload, sending) =>
      new Promise<Prediction>((resolve, reject) => {
        sending.signal.addEventListener("abort", () => reject(new Error("aborted")));
        const accept = () => resolve(predictionOf({ task_id: upload.key }));
        sent.push({ upload, sending, accept, refuse: reject });
      }),
    onAccepted: ({ task_id }) => accepted.push(task_id),
    onUnwanted: ({ task_id }) => unwanted.push(task_id),
    keep: (uploads) => {
      for (const { key } of uploads) {
        kept.add(key);
      }
    },
    forget: (keys) => {
      for (const key of keys) {
        kept.delete(key);
      }
    },
  });
});

afterEach(() => vi.useRealTimers());

function add(...keys: string[]) {
  queue.add(keys.map((key) => ({ key, file: new File([], key), batch: "b", fields: [] })));
}

function states(): string {
  return queue
    .getSnapshot()
    .uploads.map(({ key, state }) => `${key}:${state}`)
    .join(" ");
}

const tick = () => vi.advanceTimersByTimeAsync(0);

test("a few are sent at a time, in their order", async () => {
  add("a", "b", "c", "d", "e");
  expect(states()).toBe("a:sending b:sending c:sending d:waiting e:waiting");
  sent[1]?.accept();
  await tick();
  expect(states()).toBe("a:sending c:sending d:sending e:waiting");
  expect(accepted).toEqual(["b"]);
  expect([...kept].sort()).toEqual(["a", "c", "d", "e"]);
});

test("a busy server is asked again when it says, by one, and what was in the air is sent again", async () => {
  add("a", "b");
  const busy = apiError(429, { code: "too_many_in_flight", status: 429, detail: "" }, "7");
  sent[0]?.refuse(busy);
  sent[1]?.refuse(busy);
  await tick();
  expect(states()).toBe("a:waiting b:waiting");
  expect(queue.getSnapshot().held?.code).toBe("too_many_in_flight");
  await vi.advanceTimersByTimeAsync(6900);
  expect(sent).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(200);
  expect(queue.getSnapshot().held).toBeNull();
  expect(sent.map(({ upload }) => upload.key)).toEqual(["a", "b", "a", "b"]);
});

test("what is refused for good stays and is told, and can be sent again", async () => {
  add("a");
  sent[0]?.refuse(apiError(415, { code: "not_an_image", status: 415, detail: "text" }, null));
  await tick();
  expect(queue.getSnapshot().uploads[0]).toMatchObject({
    state: "refused",
    problem: { code: "not_an_image" },
  });
  expect(kept.size).toBe(0);
  queue.retry("a");
  expect(states()).toBe("a:sending");
});

test("what is paused is not sent, and goes on afterwards", async () => {
  add("a", "b", "c", "d");
  queue.pause();
  await tick();
  expect(states()).toBe("a:waiting b:waiting c:waiting d:waiting");
  queue.resume();
  expect(states()).toBe("a:sending b:sending c:sending d:waiting");
});

test("what is canceled is forgotten, and the next one is sent", async () => {
  add("a", "b", "c", "d");
  queue.cancel(["a", "d"]);
  await tick();
  expect(states()).toBe("b:sending c:sending");
  expect(sent[0]?.sending.signal.aborted).toBe(true);
  expect([...kept].sort()).toEqual(["b", "c"]);
});

test("what is canceled when all of it is sent is canceled by its answer", async () => {
  add("a", "b");
  sent[0]?.sending.onProgress(1);
  queue.cancel(["a", "b"]);
  expect(sent.map(({ sending }) => sending.signal.aborted)).toEqual([false, true]);
  expect(states()).toBe("");
  sent[0]?.accept();
  await tick();
  expect([accepted, unwanted]).toEqual([[], ["a"]]);
});

test("the same upload is not taken twice, and one with a problem is never sent", () => {
  add("a");
  add("a");
  const problem = apiError(
    413,
    { code: "upload_too_large", status: 413, detail: "" },
    null,
  ).problem;
  queue.add([{ key: "big", file: new File([], "big"), batch: "b", fields: [], problem }]);
  expect(states()).toBe("a:sending big:refused");
  expect(sent).toHaveLength(1);
});
