import { Button, Card, Group, Progress, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { useUploads } from "../hooks/uploads-provider";
import type { Upload } from "../lib/upload-queue";

/** A picture that is still to be sent, or was refused. */
export function UploadPanel({ upload }: { upload: Upload }) {
  const { t } = useTranslation("predict");
  const { t: tc } = useTranslation();
  const format = useFormat();
  const { queue } = useUploads();
  if (upload.problem) {
    return (
      <ProblemAlert
        about={upload.file.name}
        problem={upload.problem}
        onRetry={() => queue.retry(upload.key)}
      />
    );
  }
  const sending = upload.state === "sending";
  return (
    <Card withBorder padding="lg" maw={640} mx="auto" w="100%" my="xl">
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <Text fw={500} truncate>
            {upload.file.name}
          </Text>
          <Text size="sm" c="dimmed" className="tabular" style={{ whiteSpace: "nowrap" }}>
            {format.bytes(upload.file.size)}
          </Text>
        </Group>
        <Progress value={upload.share * 100} aria-label={upload.file.name} />
        <Group justify="space-between">
          <Text size="sm" role="status" className="tabular">
            {sending
              ? t(($) => $.upload.sending, { percent: format.percent(upload.share) })
              : t(($) => $.upload.waiting)}
          </Text>
          <Button size="compact-sm" variant="default" onClick={() => queue.cancel([upload.key])}>
            {tc(($) => $.action.cancel)}
          </Button>
        </Group>
      </Stack>
    </Card>
  );
}
