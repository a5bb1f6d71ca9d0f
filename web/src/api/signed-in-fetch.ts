import { signedIn, signInCount } from "@/api/sign-in";

const UNAUTHENTICATED = 401;

/** Fetches; where one has to sign in first (again), it waits for that and asks again. */
export async function signedInFetch(input: RequestInfo | URL): Promise<Response> {
  const request = new Request(input);
  for (;;) {
    const sent = signInCount();
    const response = await fetch(request.clone());
    if (response.status !== UNAUTHENTICATED) {
      return response;
    }
    await signedIn(sent);
  }
}
