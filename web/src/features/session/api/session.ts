import { useQuery } from "@tanstack/react-query";
import { authGetSession, authSignIn, authSignOut } from "@/api/generated/sdk.gen";
import type { Me } from "@/api/generated/types.gen";
import { answer } from "@/api/http";

// What is refused here is an answer, not a reason to ask for a sign-in.
const AT_ONCE = { fetch: (request: RequestInfo | URL) => fetch(request) };

/** Who is signed in, if anyone, and what account is offered to everyone at this machine. */
export function useSession() {
  return useQuery({
    queryKey: ["session"],
    queryFn: ({ signal }) => answer(authGetSession({ signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Signs in; a wrong name or password is thrown as an `ApiError`. */
export function signIn(username: string, password: string): Promise<Me> {
  return answer(authSignIn({ body: { username, password }, ...AT_ONCE }));
}

/** Signs out, and begins anew: nothing of what was shown stays. */
export async function signOut(): Promise<void> {
  // Who is signed out already is refused, which is as good.
  await authSignOut(AT_ONCE);
  window.location.assign("/");
}

/** Ends every session and access token of the reader's, this one too. */
export async function signOutEverywhere(): Promise<void> {
  await answer(authSignOut({ query: { everywhere: true } }));
  window.location.assign("/");
}
