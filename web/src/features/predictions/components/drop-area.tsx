import { Button, Group, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconPhotoPlus } from "@tabler/icons-react";
import { useEffect, useRef } from "react";
import type { ModelCard } from "@/api/generated/types.gen";

const PICTURES = {
  one: "photograph",
  several: "Photographs",
  taken: "JPEG, PNG, WebP, BMP, GIF, TIFF or HEIC.",
};

interface DropAreaProps {
  /** Of the model that the files are for; pictures are expected until it is known. */
  card: ModelCard | undefined;
  onFiles: (files: File[]) => void;
  /** Small, once there is something else to look at. */
  compact: boolean;
}

/** Takes pictures or other files: dropped, picked or pasted. What they are is for the server to say. */
export function DropArea({ card, onFiles, compact }: DropAreaProps) {
  const words = card?.input_kind === "file" ? fileWords(card) : PICTURES;
  const open = useRef<() => void>(null);
  useEffect(() => {
    const paste = (event: ClipboardEvent) => {
      const files = Array.from(event.clipboardData?.files ?? []);
      if (files.length > 0) {
        onFiles(files);
      }
    };
    window.addEventListener("paste", paste);
    return () => window.removeEventListener("paste", paste);
  }, [onFiles]);

  return (
    <Dropzone
      onDrop={onFiles}
      openRef={open}
      // The button inside is what takes the focus.
      activateOnKeyboard={false}
      tabIndex={-1}
      p={compact ? "sm" : { base: "xl", sm: 64 }}
      inputProps={{ "aria-label": words.several }}
    >
      <Stack align="center" gap={compact ? "xs" : "md"}>
        {!compact && <IconPhotoPlus size={48} stroke={1.4} aria-hidden />}
        <Group gap="sm" justify="center">
          <Text size={compact ? "sm" : "lg"} fw={500}>
            {compact ? "Drop or paste more, or" : `Drop a ${words.one} here, paste it, or`}
          </Text>
          <Button
            variant={compact ? "default" : "filled"}
            size={compact ? "compact-sm" : "sm"}
            onClick={(event) => {
              event.stopPropagation();
              open.current?.();
            }}
          >
            Choose {words.several.toLowerCase()}
          </Button>
        </Group>
        {!compact && (
          <Text size="sm" c="dimmed" ta="center">
            {words.taken}
          </Text>
        )}
      </Stack>
    </Dropzone>
  );
}

function fileWords({ media_types }: ModelCard) {
  return { one: "file", several: "Files", taken: `${media_types.join(", ")}.` };
}
