import type { Problem } from "@/api/generated/types.gen";
import { signedIn, signInCount } from "@/api/sign-in";

const LONGEST_DELAY_MS = 10_000;
/** No answer, too many requests, a proxy without a server, unavailable, full: what passes by itself. */
const PASSING_STATUS = [0, 429, 502, 503, 504, 507];
const NOT_MODIFIED = 304;
const UNAUTHENTICATED = 401;
const LEAST_DELAY_MS = 500;

/** A request that did not succeed: the server's problem, or that there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly problem: Problem,
    readonly retryAfterMs: number | undefined,
  ) {
    super(problem.detail);
  }
}

/** What stands for a problem when no server answered. */
export const UNREACHABLE: Problem = {
  type: "about:blank",
  title: "Server unreachable",
  status: 0,
  detail: "The server does not answer. It is tried again by itself.",
  code: "server_unreachable",
  trace_id: null,
  retryable: true,
  errors: [],
};

/** The error of an answer that says no. */
export function apiError(status: number, body: string, retryAfter: string | null): ApiError {
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter);
  return new ApiError(
    parseProblem(status, body),
    Number.isFinite(seconds) ? seconds * 1000 : undefined,
  );
}

/** The error of a request that got no answer. */
export function unreachable(): ApiError {
  return new ApiError(UNREACHABLE, undefined);
}

/** Asks the server; every answer that is no success is thrown as an `ApiError`. Waits where one has to sign in first. */
export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  for (;;) {
    const sent = signInCount();
    try {
      return await send(path, options);
    } catch (error) {
      if (!isUnauthenticated(error)) {
        throw error;
      }
      await signedIn(sent);
    }
  }
}

/** Whether a request was refused because nobody is signed in (any more). */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ApiError && error.problem.status === UNAUTHENTICATED;
}

/** Asks the server once; every answer that is no success is thrown as an `ApiError`. */
export async function send(path: string, options: RequestInit = {}): Promise<Response> {
  const response = await fetch(path, options).catch((error: Error) => {
    throw error.name === "AbortError" ? error : unreachable();
  });
  if (response.ok || response.status === NOT_MODIFIED) {
    return response;
  }
  throw apiError(response.status, await response.text(), response.headers.get("Retry-After"));
}

/** Whether the same request may succeed later: the server is busy, restarting or away. */
export function isRetryable(error: Error): boolean {
  return error instanceof ApiError && PASSING_STATUS.includes(error.problem.status);
}

/** Milliseconds until the next try: what the server asks for, or a little longer each time. */
export function retryDelay(error: Error, attempt: number): number {
  const asked = error instanceof ApiError ? error.retryAfterMs : undefined;
  return Math.max(asked ?? Math.min(500 * 2 ** attempt, LONGEST_DELAY_MS), LEAST_DELAY_MS);
}

/** The problem to show for any error. */
export function problemOf(error: Error): Problem {
  return error instanceof ApiError ? error.problem : UNREACHABLE;
}

function parseProblem(status: number, body: string): Problem {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "code" in parsed) {
      return parsed as Problem;
    }
  } catch {
    // A proxy's error page, say: not ours, so not JSON.
  }
  return {
    ...UNREACHABLE,
    status,
    title: "Unexpected answer",
    detail: "Something between here and the server failed.",
  };
}
