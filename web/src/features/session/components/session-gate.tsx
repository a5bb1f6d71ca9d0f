import { Box } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useSyncExternalStore } from "react";
import type { Me, SessionState } from "@/api/generated/types.gen";
import { announceSignIn, isSignInNeeded, onSignInChange } from "@/api/sign-in";
import { useSession } from "../api/session";
import { SignInForm } from "./sign-in-form";

interface SessionGateProps {
  children: (user: Me) => ReactNode;
}

/** Shows the page to who is signed in. Where a session ends, the page is kept as it is until one has signed in again. */
export function SessionGate({ children }: SessionGateProps) {
  const client = useQueryClient();
  const { data } = useSession();
  const expired = useSyncExternalStore(onSignInChange, isSignInNeeded);
  if (!data) {
    return null;
  }
  const { user } = data;
  const onSignedIn = (next: Me) => {
    if (user && user.name !== next.name) {
      window.location.reload(); // what another user has seen must not stay
      return;
    }
    client.setQueryData<SessionState>(["session"], { ...data, user: next });
    announceSignIn();
  };
  const asks = expired || !user;
  return (
    <>
      {asks && <SignInForm offer={data.demo} expired={user !== null} onSignedIn={onSignedIn} />}
      {user && (
        <Box hidden={asks} display={asks ? "none" : undefined}>
          {children(user)}
        </Box>
      )}
    </>
  );
}
