import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { isRetryable, retryDelay } from "@/api/http";
import { LiveProvider } from "@/api/live/live-provider";
import { Router } from "@/app/router";
import { shareSession } from "@/app/session-among-tabs";
import { theme } from "@/app/theme";
import { UploadsProvider } from "@/features/predict/hooks/uploads-provider";
import { AccountMenu } from "@/features/session/components/account-menu";
import { SessionGate } from "@/features/session/components/session-gate";

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (_, error) => isRetryable(error),
      retryDelay: (attempt, error) => retryDelay(error, attempt),
      refetchOnWindowFocus: false,
    },
  },
});

/** The whole client: providers around its pages. */
export function App() {
  useEffect(() => shareSession(queryClient), []);
  return (
    <QueryClientProvider client={queryClient}>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <SessionGate>
          {(user) => (
            <LiveProvider>
              <UploadsProvider>
                <Router account={<AccountMenu user={user} />} />
              </UploadsProvider>
            </LiveProvider>
          )}
        </SessionGate>
      </MantineProvider>
    </QueryClientProvider>
  );
}
