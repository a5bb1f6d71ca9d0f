import { Button, Group, Popover, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

interface ConfirmButtonProps {
  icon: ReactNode;
  label: string;
  /** What it is done to, for who cannot see what the button stands beside. */
  about?: string;
  question: string;
  /** What leaves all as it is; "Keep", where nothing else is said. */
  dismiss?: string;
  busy: boolean;
  onConfirm: () => void;
}

/** A button for what cannot be undone: it asks once more. */
export function ConfirmButton({
  icon,
  label,
  about,
  question,
  dismiss,
  busy,
  onConfirm,
}: ConfirmButtonProps) {
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
          aria-label={about && `${label}: ${about}`}
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
              {dismiss ?? t(($) => $.action.keep)}
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
