import { Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface EmptyStateProps {
  icon: ReactNode;
  title: string;
  hint: string;
  /** Whether it is all that the page has. */
  alone?: boolean;
  children?: ReactNode;
}

/** Says why there is nothing here, and what to do about it. */
export function EmptyState({ icon, title, hint, alone = false, children }: EmptyStateProps) {
  return (
    <Stack align="center" gap="xs" py={64} px="md" ta="center">
      <Text c="dimmed" component="span" aria-hidden>
        {icon}
      </Text>
      <Title order={alone ? 1 : 2} size="h4">
        {title}
      </Title>
      <Text c="dimmed" maw={420}>
        {hint}
      </Text>
      {children}
    </Stack>
  );
}
