import { Group, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";
import { CopyButton } from "@/components/ui/copy-button";
import { DownloadButton } from "@/components/ui/download-button";
import { InputDownload } from "./input-download";
import { JsonTree } from "./json-tree";

/** Whatever else a model answers, as a tree. */
export function JsonResult({ prediction, data }: { prediction: Prediction; data: unknown }) {
  const { t } = useTranslation("viewer");
  const text = JSON.stringify(data, null, 2);
  return (
    <Stack gap="md">
      <Group gap="xs">
        <CopyButton text={text} label={t(($) => $.downloads.copyJson)} />
        <DownloadButton name={`${prediction.task_id}.json`} text={text} type="application/json">
          JSON
        </DownloadButton>
        <InputDownload prediction={prediction} />
      </Group>
      <JsonTree value={data} />
    </Stack>
  );
}
