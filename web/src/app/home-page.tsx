import { Anchor, Box, Container, Group, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ThemeToggle } from "@/components/ui/theme-toggle";
import { PredictPanel } from "@/features/predictions/components/predict-panel";

/** The first page: drop a photograph, see its boxes. */
export function HomePage({ account }: { account: ReactNode }) {
  return (
    <Box mih="100dvh">
      <Container size="lg" py="md">
        <Group component="header" justify="space-between" mb="lg" wrap="nowrap">
          <Group gap="sm" align="baseline">
            <Title order={1} size="h3">
              inferq
            </Title>
            <Text c="dimmed" visibleFrom="sm">
              Drop a photograph, see what is on it.
            </Text>
          </Group>
          <Group gap="md" wrap="nowrap">
            <Anchor href="/api/docs" underline="always">
              API docs
            </Anchor>
            <ThemeToggle />
            {account}
          </Group>
        </Group>
        <main>
          <PredictPanel />
        </main>
      </Container>
    </Box>
  );
}
