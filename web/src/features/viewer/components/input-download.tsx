import { Button } from "@mantine/core";
import { IconFileDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Prediction } from "@/api/generated/types.gen";

/** The input as it was sent, to take home; a picture is on the screen already. */
export function InputDownload({ prediction }: { prediction: Prediction }) {
  const { t } = useTranslation("viewer");
  if (prediction.input.kind === "image" || !prediction.links) {
    return null;
  }
  return (
    <Button
      component="a"
      href={prediction.links.input}
      download
      size="compact-sm"
      variant="default"
      leftSection={<IconFileDownload size={14} aria-hidden />}
    >
      {t(($) => $.downloads.input)}
    </Button>
  );
}
