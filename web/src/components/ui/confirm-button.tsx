import { Button, Group, Popover, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface ConfirmButtonProps {
  icon: ReactNode;
  label: string;
  question: string;
  busy: boolean;
  onConfirm: () => void;
}

/** A button for what cannot be undone: it asks once more. */
export function ConfirmButton({ icon, label, question, busy, onConfirm }: ConfirmButtonProps) {
  const { t } = useTranslation();
  const [opened, { open, close }] = useDisclosure(false);
  return (
    <Popover
      opened={opened}
      onClose={close}
      trapFocus
      returnFocus
      withinPortal
      shadow="md"
      width={280}
    >
      <Popover.Target>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={icon}
          loading={busy}
          aria-haspopup="dialog"
          aria-expanded={opened}
          onClick={open}
        >
          {label}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="sm">
          <Text size="sm">{question}</Text>
          <Group gap="xs" justify="flex-end">
            <Button size="compact-sm" variant="default" onClick={close} data-autofocus>
              {t(($) => $.action.keep)}
            </Button>
            <Button
              size="compact-sm"
              color="red"
              onClick={() => {
                close();
                onConfirm();
              }}
            >
              {label}
            </Button>
          </Group>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}
