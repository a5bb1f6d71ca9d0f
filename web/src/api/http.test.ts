import { expect, test } from "vitest";
import { type ApiError, answer, apiError, isRetryable, problemOf, retryDelay } from "./http";

const busy = { code: "queue_full", status: 503, detail: "full" };

function failure(outcome: { error?: unknown; response?: Response }): Promise<ApiError> {
  return answer(Promise.resolve(outcome)).then(
    () => expect.unreachable(),
    (error: ApiError) => error,
  );
}

test("what succeeds is its data", async () => {
  const outcome = { data: { a: 1 }, response: new Response("{}") };
  expect(await answer(Promise.resolve(outcome))).toEqual({ a: 1 });
});

test("a busy server is tried again when it says, but never at once", async () => {
  const response = new Response(null, { status: 503, headers: { "Retry-After": "2" } });
  const error = await failure({ error: busy, response });
  expect(isRetryable(error)).toBe(true);
  expect(retryDelay(error, 0)).toBe(2000);
  expect(retryDelay(apiError(503, busy, "0"), 0)).toBeGreaterThanOrEqual(500);
});

test("a server that is away is tried again, a little later each time", async () => {
  const error = await failure({ error: new TypeError("Failed to fetch") });
  expect(problemOf(error).code).toBe("server_unreachable");
  expect(isRetryable(error)).toBe(true);
  expect(retryDelay(error, 3)).toBeGreaterThan(retryDelay(error, 1));
});

test("what is gone is not asked for again", async () => {
  const gone = { code: "not_found", status: 404, detail: "gone" };
  expect(
    isRetryable(await failure({ error: gone, response: new Response(null, { status: 404 }) })),
  ).toBe(false);
});

test.each([
  [502, true],
  [413, false],
])("a proxy's own error page for %i is not taken for a problem", async (status, retryable) => {
  const error = await failure({
    error: "<html>from a proxy</html>",
    response: new Response(null, { status }),
  });
  expect(error.problem.code).toBe("unexpected_answer");
  expect(isRetryable(error)).toBe(retryable);
});

test("what the page itself gave up is not an answer", async () => {
  const aborted = new DOMException("stopped", "AbortError");
  await expect(answer(Promise.resolve({ error: aborted }))).rejects.toBe(aborted);
});
