import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { isRetryable, retryDelay } from "@/api/http";
import { LiveProvider } from "@/api/live/live-provider";
import { Router } from "@/app/router";
import { theme } from "@/app/theme";
import { UploadsProvider } from "@/features/predict/hooks/uploads-provider";

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
  return (
    <QueryClientProvider client={queryClient}>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <LiveProvider>
          <UploadsProvider>
            <Router />
          </UploadsProvider>
        </LiveProvider>
      </MantineProvider>
    </QueryClientProvider>
  );
}
