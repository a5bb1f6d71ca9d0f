import { Button } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface DownloadButtonProps {
  name: string;
  text: string;
  type: string;
  children: ReactNode;
}

/** Saves a text that the page has as a file. */
export function DownloadButton({ name, text, type, children }: DownloadButtonProps) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return (
    <Button
      size="compact-sm"
      variant="default"
      leftSection={<IconDownload size={14} aria-hidden />}
      onClick={save}
    >
      {children}
    </Button>
  );
}
