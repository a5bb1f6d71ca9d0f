import { Anchor, Code, Group, Stack, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Prediction } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";
import { CopyButton } from "@/components/ui/copy-button";
import { useFormat } from "@/lib/format/use-format";
import { InputDownload } from "./input-download";
import { Timings } from "./timings";

/** All that is known about a prediction beside its result. */
export function DetailsTab({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation("viewer");
  const rows = useRows(prediction);
  const extra = Object.keys(prediction.metadata).length > 0;
  return (
    <Stack gap="md">
      <Timings timings={prediction.timings_ms} />
      <Table verticalSpacing={5} layout="fixed">
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w="38%" fw={500}>
                {name}
              </Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Block title={t(($) => $.details.parameters)} value={prediction.parameters} />
      {extra && <Block title={t(($) => $.details.metadata)} value={prediction.metadata} />}
      <Group gap="xs">
        <InputDownload prediction={prediction} />
        <CopyButton text={prediction.task_id} label={t(($) => $.details.copyId)} />
      </Group>
    </Stack>
  );
}

function useRows(prediction: Prediction): [string, ReactNode][] {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  const { input } = prediction;
  const moment = (iso: string | null) => iso && format.moment(iso);
  const pixels =
    input.width && input.height
      ? `${format.number(input.width)} × ${format.number(input.height)}`
      : null;
  const rows: [string, ReactNode][] = [
    [t(($) => $.details.model), referenceOf(prediction.model)],
    [t(($) => $.details.size), pixels],
    [t(($) => $.details.file), `${input.media_type}, ${format.bytes(input.bytes)}`],
    [t(($) => $.details.created), moment(prediction.created_at)],
    [t(($) => $.details.finished), moment(prediction.finished_at)],
    [t(($) => $.details.expires), moment(prediction.expires_at)],
    [t(($) => $.details.attempts), prediction.attempts > 1 && format.number(prediction.attempts)],
    [
      t(($) => $.details.batch),
      prediction.batch && (
        <Anchor
          component={Link}
          size="sm"
          underline="always"
          to={`/history?${new URLSearchParams({ batch: prediction.batch })}`}
        >
          {prediction.batch}
        </Anchor>
      ),
    ],
    [
      t(($) => $.details.rerunOf),
      prediction.rerun_of && (
        <Anchor
          component={Link}
          size="sm"
          underline="always"
          to={`/compare/${prediction.rerun_of}/${prediction.task_id}`}
        >
          {t(($) => $.details.compare)}
        </Anchor>
      ),
    ],
  ];
  return rows.filter(([, value]) => value);
}

function Block({ title, value }: { title: string; value: unknown }) {
  return (
    <div>
      <Text size="sm" fw={500} mb={4}>
        {title}
      </Text>
      <Code block tabIndex={0} aria-label={title}>
        {JSON.stringify(value, null, 2)}
      </Code>
    </div>
  );
}
