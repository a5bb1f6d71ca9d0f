import { Button, Popover, Skeleton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconPencilPlus } from "@tabler/icons-react";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { referenceOf } from "@/api/models";
import { lazily } from "@/lib/lazily";
import { DropArea } from "./drop-area";

const LazyForm = lazily(async () => (await import("./json-form")).JsonForm);

interface InputAreaProps {
  card: ModelCard | undefined;
  onFiles: (files: File[]) => void;
  /** Small, once there is something else to look at. */
  compact: boolean;
}

/** Takes inputs of the kind that the model takes: files, or JSON that is written here. */
export function InputArea({ card, onFiles, compact }: InputAreaProps) {
  if (card?.input_kind !== "json") {
    return <DropArea card={card} onFiles={onFiles} compact={compact} />;
  }
  const key = referenceOf(card);
  return compact ? (
    <JsonButton key={key} card={card} onFiles={onFiles} />
  ) : (
    <Form key={key} card={card} onFiles={onFiles} />
  );
}

type FormProps = Omit<InputAreaProps, "card" | "compact"> & { card: ModelCard };

function Form({ card, onFiles }: FormProps) {
  return (
    <Suspense fallback={<Skeleton height={240} />}>
      <LazyForm card={card} onFiles={onFiles} />
    </Suspense>
  );
}

function JsonButton({ card, onFiles }: FormProps) {
  const { t } = useTranslation("predict");
  const [open, { toggle, close }] = useDisclosure(false);
  const send = (files: File[]) => {
    close();
    onFiles(files);
  };
  return (
    <Popover
      opened={open}
      onDismiss={close}
      position="bottom-start"
      width={420}
      shadow="md"
      trapFocus
      withinPortal
      // What was written is kept for the next time.
      keepMounted
    >
      <Popover.Target>
        <Button size="xs" leftSection={<IconPencilPlus size={16} aria-hidden />} onClick={toggle}>
          {t(($) => $.json.add)}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Form card={card} onFiles={send} />
      </Popover.Dropdown>
    </Popover>
  );
}
