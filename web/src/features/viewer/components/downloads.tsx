import { Button, Group, Menu } from "@mantine/core";
import { IconPhotoDown } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { FORMATS } from "@/api/exports";
import type { Prediction } from "@/api/generated/types.gen";
import { CopyButton } from "@/components/ui/copy-button";
import { DownloadButton } from "@/components/ui/download-button";
import { DownloadMenu } from "@/components/ui/download-menu";
import { annotatedPath, asShown, shownPath } from "../lib/downloads";
import { InputDownload } from "./input-download";

interface DownloadsProps {
  prediction: Prediction;
  score: number;
  hidden: readonly string[];
  /** Of the labels. */
  language: string;
}

/** What can be taken home: all of it as it is on the screen. */
export function Downloads({ prediction, score, hidden, language }: DownloadsProps) {
  const { t } = useTranslation("viewer");
  const annotated = annotatedPath(prediction, { score, hidden, language });
  const json = JSON.stringify(asShown(prediction, score, hidden), null, 2);
  return (
    <Group gap="xs">
      {annotated && (
        <Button
          component="a"
          href={annotated}
          download
          size="compact-sm"
          variant="default"
          leftSection={<IconPhotoDown size={14} aria-hidden />}
        >
          {t(($) => $.downloads.annotated)}
        </Button>
      )}
      <DownloadButton name={`${prediction.task_id}.json`} text={json} type="application/json">
        JSON
      </DownloadButton>
      {annotated && (
        <DownloadMenu position="bottom-start" label={t(($) => $.downloads.more)}>
          {FORMATS.filter(({ boxes }) => boxes).map(({ format, name }) => (
            <Menu.Item
              key={format}
              component="a"
              href={shownPath(prediction, format, score, hidden)}
              download
            >
              {name}
            </Menu.Item>
          ))}
        </DownloadMenu>
      )}
      <InputDownload prediction={prediction} />
      <CopyButton text={json} label={t(($) => $.downloads.copyJson)} />
    </Group>
  );
}
