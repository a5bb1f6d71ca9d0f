import { Button, Group, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { useMediaQuery } from "@mantine/hooks";
import { IconCamera, IconPhotoPlus } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { limitsOptions } from "@/api/limits";
import { useFormat } from "@/lib/format/use-format";
import classes from "./drop-area.module.css";

interface DropAreaProps {
  /** Of the model that the files are for; pictures are expected until it is known. */
  card: ModelCard | undefined;
  onFiles: (files: File[]) => void;
  /** Small, once there is something else to look at. */
  compact: boolean;
}

/** Takes pictures or other files: dropped anywhere on the page, picked, pasted, or taken with the camera. */
export function DropArea({ card, onFiles, compact }: DropAreaProps) {
  const { t } = useTranslation("predict");
  const what = card?.input_kind === "file" ? "files" : "drop";
  const open = useRef<() => void>(null);
  usePaste(onFiles);
  return (
    <>
      <Dropzone
        onDrop={onFiles}
        openRef={open}
        // The button inside is what takes the focus.
        activateOnKeyboard={false}
        activateOnClick={!compact}
        tabIndex={-1}
        className={compact ? classes.compact : classes.large}
        inputProps={{ "aria-label": t(($) => $[what].input) }}
      >
        <Stack align="center" gap="md">
          {!compact && <IconPhotoPlus size={44} stroke={1.3} aria-hidden />}
          {!compact && (
            <Text size="lg" fw={600} ta="center">
              {t(($) => $[what].title)}
            </Text>
          )}
          <Group gap="xs" justify="center">
            <Button
              size={compact ? "xs" : "sm"}
              leftSection={compact ? <IconPhotoPlus size={16} aria-hidden /> : undefined}
              onClick={(event) => {
                event.stopPropagation();
                open.current?.();
              }}
            >
              {compact ? t(($) => $[what].add) : t(($) => $[what].choose)}
            </Button>
            {what === "drop" && <CameraButton onFiles={onFiles} compact={compact} />}
          </Group>
          {!compact && <Accepted card={card} />}
        </Stack>
      </Dropzone>
      <Dropzone.FullScreen
        active
        withinPortal={false}
        onDrop={onFiles}
        inputProps={{ tabIndex: -1, "aria-hidden": true }}
      >
        <Stack align="center" justify="center" h="80dvh" gap="md" className={classes.everywhere}>
          <IconPhotoPlus size={56} stroke={1.3} aria-hidden />
          <Text size="xl" fw={600}>
            {t(($) => $.drop.letGo)}
          </Text>
        </Stack>
      </Dropzone.FullScreen>
    </>
  );
}

function Accepted({ card }: Pick<DropAreaProps, "card">) {
  const { t } = useTranslation("predict");
  const format = useFormat();
  const { data: limits } = useQuery(limitsOptions);
  const types = card?.input_kind === "file" ? card.media_types : limits?.image_types;
  const names = types?.map((type) => NAMES[type] ?? type.replace("image/", ""));
  return (
    <Text size="sm" c="dimmed" ta="center" mih="1.5em">
      {names &&
        limits &&
        t(($) => $.drop.accepted, {
          formats: format.list(names),
          size: format.bytes(limits.max_upload_bytes),
        })}
    </Text>
  );
}

const NAMES: Record<string, string> = {
  "image/jpeg": "JPEG",
  "image/png": "PNG",
  "image/webp": "WebP",
  "image/bmp": "BMP",
  "image/gif": "GIF",
  "image/tiff": "TIFF",
  "image/heic": "HEIC",
};

function CameraButton({ onFiles, compact }: Omit<DropAreaProps, "card">) {
  const { t } = useTranslation("predict");
  const input = useRef<HTMLInputElement>(null);
  const hasCamera = useMediaQuery("(pointer: coarse)");
  if (!hasCamera) {
    return null;
  }
  return (
    <>
      <Button
        variant="default"
        size={compact ? "xs" : "sm"}
        leftSection={<IconCamera size={16} aria-hidden />}
        onClick={(event) => {
          event.stopPropagation();
          input.current?.click();
        }}
      >
        {t(($) => $.drop.camera)}
      </Button>
      <input
        ref={input}
        type="file"
        accept="image/*"
        capture="environment"
        hidden
        onClick={(event) => event.stopPropagation()}
        onChange={(event) => {
          onFiles(Array.from(event.currentTarget.files ?? []));
          event.currentTarget.value = "";
        }}
      />
    </>
  );
}

function usePaste(onFiles: (files: File[]) => void): void {
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
}
