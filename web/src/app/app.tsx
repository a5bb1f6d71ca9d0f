import { createTheme, MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { isRetryable, retryDelay } from "@/api/http";
import { HomePage } from "@/app/home-page";
import { AccountMenu } from "@/features/session/components/account-menu";
import { SessionGate } from "@/features/session/components/session-gate";

const theme = createTheme({
  primaryColor: "blue",
  primaryShade: 8,
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
});

const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: (_, error) => isRetryable(error),
      retryDelay: (attempt, error) => retryDelay(error, attempt),
      refetchOnWindowFocus: false,
    },
  },
});

/** The whole client: providers around its one page. */
export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <MantineProvider theme={theme} defaultColorScheme="auto">
        <SessionGate>{(user) => <HomePage account={<AccountMenu user={user} />} />}</SessionGate>
      </MantineProvider>
    </QueryClientProvider>
  );
}
