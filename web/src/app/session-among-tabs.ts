import type { QueryClient } from "@tanstack/react-query";
import { authGetSession } from "@/api/generated/sdk.gen";
import type { SessionState } from "@/api/generated/types.gen";
import { answer } from "@/api/http";
import { joinTabs, takeOver } from "@/api/sign-in";

/** Brings this tab in step when somebody signs in or out in another one; returns how to end that. */
export function shareSession(client: QueryClient): () => void {
  const look = async () => {
    const known = client.getQueryData<SessionState>(["session"])?.user;
    const { user } = await answer(authGetSession());
    if (user && user.name !== known?.name) {
      window.location.reload(); // what another user has seen must not stay
    } else if (known) {
      takeOver(user !== null);
    }
  };
  // Where nobody answers, the next request of this tab tells.
  return joinTabs(() => void look().catch(() => undefined));
}
