import { Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { predictionsRerun } from "@/api/generated/sdk.gen";
import type { Prediction } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { cardOf, modelsOptions, referenceOf } from "@/api/models";
import { ModelSelect } from "@/components/model/model-select";
import { ParameterForm } from "@/components/model/parameter-form";
import { type Field, fieldsOf, type ParameterValues } from "@/components/model/schema";
import { Dialog } from "@/components/ui/dialog";
import { ProblemAlert } from "@/components/ui/problem-alert";

interface RerunDialogProps {
  prediction: Prediction;
  opened: boolean;
  onClose: () => void;
  /** Told the new prediction as soon as it is accepted. */
  onRerun: (made: Prediction) => void;
}

/** Runs a prediction's picture again, with another model or other parameters. */
export function RerunDialog({ prediction, opened, onClose, onRerun }: RerunDialogProps) {
  const { t } = useTranslation("rerun");
  return (
    <Dialog opened={opened} onClose={onClose} title={t(($) => $.title)}>
      <RerunForm prediction={prediction} onRerun={onRerun} />
    </Dialog>
  );
}

function RerunForm({ prediction, onRerun }: Pick<RerunDialogProps, "prediction" | "onRerun">) {
  const { t } = useTranslation("rerun");
  const used = referenceOf(prediction.model);
  const { data: models } = useQuery(modelsOptions);
  const [reference, setReference] = useState(used);
  const [values, setValues] = useState<ParameterValues>(
    () => prediction.parameters as ParameterValues,
  );
  const card = cardOf(models?.items, reference);
  const fields = card ? fieldsOf(card) : [];
  const rerun = useMutation({
    mutationFn: () =>
      answer(
        predictionsRerun({
          path: { task_id: prediction.task_id },
          body: { model: reference, parameters: valuesOf(fields, values) },
        }),
      ),
    onSuccess: onRerun,
  });
  const choose = (chosen: string) => {
    setReference(chosen);
    // Another model's parameters mean other things, whatever they are called.
    setValues(chosen === used ? (prediction.parameters as ParameterValues) : {});
  };
  return (
    <Stack gap="md">
      <Text size="sm" c="dimmed">
        {t(($) => $.hint)}
      </Text>
      <ModelSelect cards={models?.items ?? []} value={reference} onChange={choose} />
      <ParameterForm fields={fields} values={values} onChange={setValues} />
      {rerun.error && <ProblemAlert problem={problemOf(rerun.error)} />}
      <Group justify="flex-end">
        <Button loading={rerun.isPending} onClick={() => rerun.mutate()}>
          {t(($) => $.run)}
        </Button>
      </Group>
    </Stack>
  );
}

function valuesOf(fields: Field[], values: ParameterValues): ParameterValues {
  return Object.fromEntries(fields.map(({ name, initial }) => [name, values[name] ?? initial]));
}
