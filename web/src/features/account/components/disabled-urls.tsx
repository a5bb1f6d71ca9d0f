import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconBan } from "@tabler/icons-react";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { webhooksEnable } from "@/api/generated/sdk.gen";
import { answer, problemOf } from "@/api/http";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { useRefresh } from "../api/use-deliveries";
import { disabledOptions } from "../api/webhooks";
import classes from "./rows.module.css";

/** The addresses that wanted no more, and how to send to them again. */
export function DisabledUrls({ onEnabled }: { onEnabled: (url: string) => void }) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const refresh = useRefresh();
  const { data, error, refetch } = useQuery(disabledOptions);
  const enable = useMutation({
    mutationFn: (url: string) => answer(webhooksEnable({ body: { url } })),
    onSuccess: (_, url) => onEnabled(url),
    onSettled: refresh,
  });
  if (error) {
    return <ProblemAlert problem={problemOf(error)} onRetry={() => void refetch()} />;
  }
  if (!data || data.items.length === 0) {
    return null;
  }
  return (
    <Alert role="note" color="yellow" variant="light" icon={<IconBan aria-hidden />}>
      <Stack gap="sm">
        <div>
          <Text size="sm" fw={600}>
            {t(($) => $.disabled.title)}
          </Text>
          <Text size="sm">{t(($) => $.disabled.hint)}</Text>
        </div>
        {data.items.map(({ url, disabled_at }) => (
          <Group key={url} gap="xs" justify="space-between">
            <Text size="sm" className={classes.long ?? ""}>
              <span className={classes.mono}>{url}</span>{" "}
              {t(($) => $.disabled.since, { moment: format.moment(disabled_at) })}
            </Text>
            <Button
              size="compact-sm"
              variant="default"
              loading={enable.isPending && enable.variables === url}
              aria-label={`${t(($) => $.disabled.enable)}: ${url}`}
              onClick={() => enable.mutate(url)}
            >
              {t(($) => $.disabled.enable)}
            </Button>
          </Group>
        ))}
        {enable.error && <ProblemAlert problem={problemOf(enable.error)} />}
      </Stack>
    </Alert>
  );
}
