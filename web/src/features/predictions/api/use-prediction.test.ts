import { afterEach, expect, test, vi } from "vitest";
import type { Prediction } from "@/api/generated/types.gen";
import { ApiError, isRetryable, retryDelay } from "@/api/http";
import { nextChange, type Tagged } from "./use-prediction";

const known = { prediction: { task_id: "abc", state: "queued" } as Prediction, etag: 'W/"1"' };
const { signal } = new AbortController();

function answers(...responses: Response[]) {
  const fetched = vi.fn(async (_url: string, _options: { headers?: Headers }) => {
    const response = responses.shift();
    if (!response) {
      throw new TypeError("Failed to fetch");
    }
    return response;
  });
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

function json(body: unknown, init: ResponseInit = {}): Response {
  return new Response(JSON.stringify(body), init);
}

function failure(known: Tagged): Promise<ApiError> {
  return nextChange(known, signal).then(
    () => expect.unreachable(),
    (error: ApiError) => error,
  );
}

afterEach(() => vi.unstubAllGlobals());

test("the server is asked to wait, and for changes since the last answer only", async () => {
  const fetched = answers(
    json({ task_id: "abc", state: "running" }, { headers: { ETag: 'W/"2"' } }),
  );
  const next = await nextChange(known, signal);
  expect(next).toEqual({ prediction: { task_id: "abc", state: "running" }, etag: 'W/"2"' });
  const [url, options] = fetched.mock.calls[0] ?? [];
  expect(url).toBe("/api/v1/predictions/abc");
  expect(options?.headers?.get("Prefer")).toBe("wait=20");
  expect(options?.headers?.get("If-None-Match")).toBe('W/"1"');
});

test("where nothing changed in time, the place in the queue is asked for", async () => {
  const fetched = answers(
    new Response(null, { status: 304 }),
    json({ task_id: "abc", queue: { ahead: 1 } }),
  );
  expect((await nextChange(known, signal)).prediction.queue?.ahead).toBe(1);
  expect(fetched).toHaveBeenCalledTimes(2);
});

test("a busy server is tried again when it says, but never at once", async () => {
  const busy = { code: "state_unavailable", status: 503, detail: "away" };
  answers(
    json(busy, { status: 503, headers: { "Retry-After": "2" } }),
    json(busy, { status: 503, headers: { "Retry-After": "0" } }),
  );
  const error = await failure(known);
  expect(error).toBeInstanceOf(ApiError);
  expect(isRetryable(error)).toBe(true);
  expect(retryDelay(error, 0)).toBe(2000);
  expect(retryDelay(await failure(known), 0)).toBeGreaterThanOrEqual(500);
});

test("a server that is away is tried again, a prediction that is gone is not", async () => {
  answers(json({ code: "not_found", status: 404, detail: "gone" }, { status: 404 }));
  expect(isRetryable(await failure(known))).toBe(false);
  expect(isRetryable(await failure(known))).toBe(true);
});

test.each([
  [502, true],
  [413, false],
])("a proxy's own error page for %i is not taken for a problem", async (status, retryable) => {
  answers(new Response("<html>from a proxy</html>", { status }));
  const error = await failure(known);
  expect(error.problem.title).toBe("Unexpected answer");
  expect(isRetryable(error)).toBe(retryable);
});
