import { Button, Group, Stack, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconRefresh, IconStack2 } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { problemOf } from "@/api/http";
import { useLive } from "@/api/live/live-provider";
import { PageLoading } from "@/app/layout/page-loading";
import { EmptyState } from "@/components/ui/empty-state";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { QueueCard } from "@/features/queue/components/queue-card";
import { useQueue } from "@/features/queue/hooks/use-queue";

/** What waits and runs of each model. */
export function QueuePage() {
  const { t } = useTranslation("queue");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  const { status } = useLive();
  const { loads, error, isPending, refetch } = useQueue();
  return (
    <Stack gap="lg" maw={1100} mx="auto">
      <Group justify="space-between" mih={30}>
        <Group gap="sm" align="baseline">
          <Title order={1} size="h3">
            {t(($) => $.title)}
          </Title>
          <Text size="sm" c="dimmed">
            {t(($) => $.hint)}
          </Text>
        </Group>
        {status !== "live" && (
          <Button
            variant="default"
            size="xs"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={() => void refetch()}
          >
            {t(($) => $.refresh)}
          </Button>
        )}
      </Group>
      {error && <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />}
      {isPending && !error && <PageLoading />}
      {!isPending && !error && loads.length === 0 && (
        <EmptyState
          icon={<IconStack2 size={40} stroke={1.4} />}
          title={t(($) => $.empty.title)}
          hint={t(($) => $.empty.hint)}
        />
      )}
      {loads.map((queue) => (
        <QueueCard key={queue.load.model} queue={queue} />
      ))}
    </Stack>
  );
}
