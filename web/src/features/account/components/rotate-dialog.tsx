import { Button, Group, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { webhooksRotateSecret } from "@/api/generated/sdk.gen";
import type { SigningSecret } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { Dialog } from "@/components/ui/dialog";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { useFormat } from "@/lib/format/use-format";
import { secretOptions } from "../api/webhooks";

const HOUR_SECONDS = 3600;
const DAY_SECONDS = 24 * HOUR_SECONDS;
const OVERLAPS = [0, HOUR_SECONDS, DAY_SECONDS, 7 * DAY_SECONDS, 30 * DAY_SECONDS];

interface RotateDialogProps {
  secret: SigningSecret;
  opened: boolean;
  onClose: () => void;
  onRotated: () => void;
}

/** Asks how long the secret that is replaced stays valid. */
export function RotateDialog({ secret, opened, onClose, onRotated }: RotateDialogProps) {
  const { t } = useTranslation("account");
  return (
    <Dialog opened={opened} onClose={onClose} title={t(($) => $.rotate.title)}>
      <RotateForm
        secret={secret}
        onRotated={() => {
          onRotated();
          onClose();
        }}
      />
    </Dialog>
  );
}

function RotateForm({ secret, onRotated }: Pick<RotateDialogProps, "secret" | "onRotated">) {
  const { t } = useTranslation("account");
  const format = useFormat();
  const client = useQueryClient();
  const [overlap, setOverlap] = useState(DAY_SECONDS);
  const rotate = useMutation({
    mutationFn: () => answer(webhooksRotateSecret({ body: { overlap_seconds: overlap } })),
    onSuccess: (made) => {
      client.setQueryData(secretOptions.queryKey, made);
      onRotated();
    },
    gcTime: 0,
  });
  return (
    <Stack gap="md">
      <Text size="sm">{t(($) => $.rotate.hint)}</Text>
      <Select
        label={t(($) => $.rotate.overlap)}
        description={overlap === 0 ? t(($) => $.rotate.atOnceHint) : undefined}
        data={OVERLAPS.map((seconds) => ({
          value: String(seconds),
          label: seconds === 0 ? t(($) => $.rotate.atOnce) : format.duration(seconds),
        }))}
        value={String(overlap)}
        onChange={(chosen) => setOverlap(Number(chosen))}
        allowDeselect={false}
        data-autofocus
      />
      {secret.previous !== null && (
        <Text size="sm" c="var(--state-failed)">
          {t(($) => $.rotate.endsFormer)}
        </Text>
      )}
      {rotate.error && <ProblemAlert problem={problemOf(rotate.error)} />}
      <Group justify="flex-end">
        <Button loading={rotate.isPending} onClick={() => rotate.mutate()}>
          {t(($) => $.rotate.submit)}
        </Button>
      </Group>
    </Stack>
  );
}
