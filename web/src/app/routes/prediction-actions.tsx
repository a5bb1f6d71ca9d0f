import { Button, Group } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconRefresh, IconTrash, IconX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { isTerminal } from "@/api/filters";
import { predictionsCancel, predictionsDelete } from "@/api/generated/sdk.gen";
import type { Prediction } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { useLive } from "@/api/live/live-provider";
import { ConfirmButton } from "@/components/ui/confirm-button";
import { ProblemAlert } from "@/components/ui/problem-alert";
import { RerunDialog } from "@/features/rerun/components/rerun-dialog";

interface PredictionActionsProps {
  prediction: Prediction;
  onDeleted?: () => void;
}

/** What can be done with a prediction: cancel it, or run it again, or delete it. */
export function PredictionActions({ prediction, onDeleted }: PredictionActionsProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { cache } = useLive();
  const [rerunning, { open, close }] = useDisclosure(false);
  const path = { task_id: prediction.task_id };
  const cancel = useMutation({
    mutationFn: () => answer(predictionsCancel({ path })),
    onSuccess: cache.tell,
  });
  const remove = useMutation({
    mutationFn: () => answer(predictionsDelete({ path })),
    onSuccess: () => {
      cache.onEvent({ event: "deleted", data: path });
      onDeleted?.();
    },
  });
  const error = cancel.error ?? remove.error;
  return (
    <>
      <Group gap="xs">
        {isTerminal(prediction) ? (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconRefresh size={14} aria-hidden />}
            onClick={open}
          >
            {t(($) => $.action.rerun)}
          </Button>
        ) : (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconX size={14} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => cancel.mutate()}
          >
            {t(($) => $.action.cancel)}
          </Button>
        )}
        <ConfirmButton
          icon={<IconTrash size={14} aria-hidden />}
          label={t(($) => $.action.delete)}
          question={t(($) => $.confirm.deleteOne)}
          busy={remove.isPending}
          onConfirm={() => remove.mutate()}
        />
      </Group>
      {error && <ProblemAlert problem={problemOf(error)} />}
      <RerunDialog
        prediction={prediction}
        opened={rerunning}
        onClose={close}
        onRerun={(made) => {
          close();
          cache.tellAccepted(made);
          void navigate(`/compare/${prediction.task_id}/${made.task_id}`);
        }}
      />
    </>
  );
}
