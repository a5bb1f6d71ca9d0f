import { Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface DialogProps {
  title: string;
  opened: boolean;
  /** Whether the reader may leave it as it is; where not, something in it has to close it. */
  closable?: boolean;
  onClose: () => void;
  /** Told when nothing of it can be seen any more. */
  onClosed?: () => void;
  children: ReactNode;
}

/** A window within the page that has to be dealt with first. */
export function Dialog({
  title,
  opened,
  closable = true,
  onClose,
  onClosed,
  children,
}: DialogProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      {...(onClosed && { onExitTransitionEnd: onClosed })}
      title={title}
      withCloseButton={closable}
      closeOnClickOutside={closable}
      closeOnEscape={closable}
      closeButtonProps={{ "aria-label": t(($) => $.action.close) }}
      // Its <header> would count as the page's.
      attributes={{ header: { role: "presentation" } }}
      yOffset="2dvh"
      centered
    >
      {children}
    </Modal>
  );
}
