import { Button, CopyButton as MantineCopyButton } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";

interface CopyButtonProps {
  text: string;
  /** What is copied, where "Copy" alone would not say it. */
  label?: string;
}

/** Copies a text, and says that it did. */
export function CopyButton({ text, label }: CopyButtonProps) {
  const { t } = useTranslation();
  return (
    <MantineCopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={
            copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />
          }
          onClick={copy}
          aria-live="polite"
        >
          {copied ? t(($) => $.action.copied) : (label ?? t(($) => $.action.copy))}
        </Button>
      )}
    </MantineCopyButton>
  );
}
