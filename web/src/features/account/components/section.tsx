import { Card, Group, Stack, Text, Title, VisuallyHidden } from "@mantine/core";
import { type ReactNode, useId } from "react";

interface SectionProps {
  title: string;
  hint?: string;
  /** Buttons beside the title. */
  actions?: ReactNode;
  /** What has just been done, for who cannot see it. */
  announcement?: string;
  children: ReactNode;
}

/** A part of the page, under a title of its own. */
export function Section({ title, hint, actions, announcement = "", children }: SectionProps) {
  const id = useId();
  return (
    <Card withBorder padding="lg" component="section" aria-labelledby={id}>
      <Stack gap="md">
        <div>
          <Group justify="space-between" gap="xs">
            <Title order={2} size="h5" id={id}>
              {title}
            </Title>
            {actions}
          </Group>
          {hint && (
            <Text size="sm" c="dimmed" mt={4}>
              {hint}
            </Text>
          )}
        </div>
        {children}
      </Stack>
      <VisuallyHidden role="status">{announcement}</VisuallyHidden>
    </Card>
  );
}
