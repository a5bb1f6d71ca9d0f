import { Button, type FloatingPosition, Menu } from "@mantine/core";
import { IconChevronDown, IconDownload } from "@tabler/icons-react";
import type { ReactNode } from "react";

interface DownloadMenuProps {
  label: string;
  position: FloatingPosition;
  /** `Menu.Item`s that are links. */
  children: ReactNode;
}

/** A button that opens a list of files to download. */
export function DownloadMenu({ label, position, children }: DownloadMenuProps) {
  return (
    <Menu position={position} withinPortal>
      <Menu.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          rightSection={<IconChevronDown size={14} aria-hidden />}
        >
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
