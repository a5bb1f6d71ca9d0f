import { ActionIcon, Tooltip, UnstyledButton } from "@mantine/core";
import { IconArrowsMaximize, IconMinus, IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { ReactZoomPanPinchContentRef } from "react-zoom-pan-pinch";
import { useFormat } from "@/lib/format/use-format";
import classes from "./stage.module.css";

interface ZoomBarProps {
  /** Pixels of the screen for one of the picture. */
  zoom: number;
  whole: number;
  controls: Pick<
    ReactZoomPanPinchContentRef,
    "zoomIn" | "zoomOut" | "resetTransform" | "centerView"
  >;
  children: ReactNode;
}

/** Enlarges the picture, fits it, or shows it pixel by pixel. */
export function ZoomBar({ zoom, whole, controls, children }: ZoomBarProps) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  return (
    <div className={classes.bar}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t(($) => $.stage.zoomOut)}
        onClick={() => controls.zoomOut(0.5)}
      >
        <IconMinus size={16} aria-hidden />
      </ActionIcon>
      <Tooltip label={t(($) => $.stage.wholeHint)}>
        <UnstyledButton
          className={`${classes.zoom} tabular`}
          aria-label={t(($) => $.stage.whole, {
            percent: format.percent(Math.round(zoom * 100) / 100),
          })}
          onClick={() => controls.centerView(Math.max(1, whole))}
        >
          {format.percent(Math.round(zoom * 100) / 100)}
        </UnstyledButton>
      </Tooltip>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t(($) => $.stage.zoomIn)}
        onClick={() => controls.zoomIn(0.5)}
      >
        <IconPlus size={16} aria-hidden />
      </ActionIcon>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={t(($) => $.stage.fit)}
        onClick={() => controls.resetTransform()}
      >
        <IconArrowsMaximize size={16} aria-hidden />
      </ActionIcon>
      {children}
    </div>
  );
}
