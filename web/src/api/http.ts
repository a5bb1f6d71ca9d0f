import type { Problem } from "@/api/generated/types.gen";

const LONGEST_DELAY_MS = 10_000;
const LEAST_DELAY_MS = 500;
/** No answer, too many requests, a proxy without a server, unavailable, full: what passes by itself. */
const PASSING_STATUS = [0, 429, 502, 503, 504, 507];

/** A request that did not succeed: the server's problem, or that there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterMs: number | undefined = undefined,
  ) {
    super(problem.detail);
  }
}

const NO_ANSWER: Problem = {
  type: "about:blank",
  title: "Server unreachable",
  status: 0,
  detail: "No server answered.",
  code: "server_unreachable",
  trace_id: null,
  retryable: true,
  errors: [],
};

/** What a call of the generated client comes to. */
interface Outcome<T> {
  data?: T;
  error?: unknown;
  response?: Response;
}

/** What a call of the generated client answers; every answer that is no success is thrown as an `ApiError`. */
export async function answer<T>(call: Promise<Outcome<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (response?.ok) {
    return data as T;
  }
  if (!response) {
    throw isAbort(error) ? error : unreachable();
  }
  throw apiError(response.status, error, response.headers.get("Retry-After"));
}

/** The error of an answer that says no; `body` is its JSON, or its text where it is none. */
export function apiError(status: number, body: unknown, retryAfter: string | null): ApiError {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ApiError(
    isProblem(body)
      ? body
      : { ...NO_ANSWER, status, code: "unexpected_answer", detail: `${status}` },
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  );
}

/** The error of a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError(NO_ANSWER);
}

/** Whether the same request may succeed later: the server is busy, restarting or away. */
export function isRetryable(error: unknown): boolean {
  return error instanceof ApiError && PASSING_STATUS.includes(error.problem.status);
}

/** Milliseconds until the next try: what the server asks for, or a little longer each time. */
export function retryDelay(error: unknown, attempt: number): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  return Math.max(asked ?? Math.min(500 * 2 ** attempt, LONGEST_DELAY_MS), LEAST_DELAY_MS);
}

/** The problem to show for any error. */
export function problemOf(error: unknown): Problem {
  return error instanceof ApiError
    ? error.problem
    : { ...NO_ANSWER, code: "unexpected_answer", detail: String(error) };
}

/** A problem that is found on this side, before anything is sent. */
export function localProblem(code: string, detail: string): Problem {
  return { ...NO_ANSWER, code, title: detail, detail, retryable: false };
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body;
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
