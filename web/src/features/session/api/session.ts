import { useQuery } from "@tanstack/react-query";
import type { Me, SessionState } from "@/api/generated/types.gen";
import { ask, send } from "@/api/http";

const URL = "/api/v1/auth/session";

/** Who is signed in, if anyone, and what account is offered to everyone at this machine. */
export function useSession() {
  return useQuery({
    queryKey: ["session"],
    queryFn: async ({ signal }) => (await (await ask(URL, { signal })).json()) as SessionState,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Signs in; a wrong name or password is thrown as an `ApiError`. */
export async function signIn(username: string, password: string): Promise<Me> {
  const response = await send(URL, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
  });
  return (await response.json()) as Me;
}

/** Signs out, and begins anew: nothing of what was shown stays. */
export async function signOut(): Promise<void> {
  // Who is signed out already is refused, which is as good.
  await send(URL, { method: "DELETE" }).catch(() => undefined);
  window.location.reload();
}
