import { Alert, Button, Group, Progress, Stack, Text } from "@mantine/core";
import { IconHourglass, IconPlayerPause, IconPlayerPlay, IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useFormat } from "@/lib/format/use-format";
import { useProblemText } from "@/lib/i18n/use-problem-text";
import { useUploads } from "../hooks/uploads-provider";
import { useSecondsUntil } from "../hooks/use-seconds-until";
import type { Tally } from "../lib/items";

interface ProgressSummaryProps {
  tally: Tally;
  onCancel: () => void;
}

/** How far all pictures of the page have come, and what can be done about it. */
export function ProgressSummary({ tally, onCancel }: ProgressSummaryProps) {
  const { t } = useTranslation("predict");
  const { t: tc } = useTranslation();
  const { queue, paused } = useUploads();
  const unfinished = tally.ended < tally.total;
  if (tally.total < 2 && !unfinished) {
    return null;
  }
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <SummaryText tally={tally} />
        {unfinished && (
          <Group gap="xs">
            {tally.unsent > 0 && (
              <Button
                size="compact-sm"
                variant="default"
                leftSection={
                  paused ? (
                    <IconPlayerPlay size={14} aria-hidden />
                  ) : (
                    <IconPlayerPause size={14} aria-hidden />
                  )
                }
                onClick={() => (paused ? queue.resume() : queue.pause())}
              >
                {paused ? t(($) => $.progress.resume) : t(($) => $.progress.pause)}
              </Button>
            )}
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconX size={14} aria-hidden />}
              onClick={onCancel}
            >
              {tally.total > 1 ? t(($) => $.progress.cancelAll) : tc(($) => $.action.cancel)}
            </Button>
          </Group>
        )}
      </Group>
      {unfinished && (
        <Progress value={tally.share * 100} size="sm" aria-label={t(($) => $.progress.label)} />
      )}
      <Held />
    </Stack>
  );
}

function SummaryText({ tally }: { tally: Tally }) {
  const { t } = useTranslation("predict");
  const format = useFormat();
  const failed = tally.states.failed + tally.refused;
  const parts = [
    t(($) => $.progress.done, {
      count: tally.total,
      ended: format.number(tally.ended),
      total: format.number(tally.total),
    }),
    tally.unsent > 0 && t(($) => $.progress.unsent, { number: format.number(tally.unsent) }),
    tally.states.queued > 0 &&
      t(($) => $.progress.waiting, { number: format.number(tally.states.queued) }),
    failed > 0 && t(($) => $.progress.failed, { number: format.number(failed) }),
  ];
  return (
    <Text size="sm" role="status" aria-live="polite" className="tabular">
      {parts.filter(Boolean).join(" · ")}
    </Text>
  );
}

/** Says why nothing is sent for a moment; the server asked for it, so nothing is wrong. */
function Held() {
  const { t } = useTranslation("predict");
  const textOf = useProblemText();
  const format = useFormat();
  const { held, queue } = useUploads();
  const seconds = useSecondsUntil(held?.until);
  if (!held) {
    return null;
  }
  return (
    <Alert role="status" color="yellow" variant="light" icon={<IconHourglass aria-hidden />} p="xs">
      <Group gap="sm">
        <Text size="sm">
          {textOf(held.code)} {t(($) => $.progress.held, { wait: format.duration(seconds) })}
        </Text>
        <Button size="compact-xs" variant="default" onClick={() => queue.resume()}>
          {t(($) => $.progress.now)}
        </Button>
      </Group>
    </Alert>
  );
}
