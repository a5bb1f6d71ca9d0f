import { ActionIcon, Group, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconChevronLeft, IconChevronRight, IconTag, IconTagOff } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { memo, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ReactZoomPanPinchRef } from "react-zoom-pan-pinch";
import type { Prediction } from "@/api/generated/types.gen";
import { cardOf, defaultScore, modelsOptions, referenceOf } from "@/api/models";
import { useLanguage } from "@/lib/i18n/use-language";
import { inLanguage, labelLanguage } from "@/lib/labels/labels";
import { shownOf, type View } from "../lib/detections";
import { BoxOverlay } from "./box-overlay";
import { SidePanel } from "./side-panel";
import { type Move, Stage } from "./stage";
import classes from "./viewer.module.css";

/** The way to the pictures before and after this one. */
export interface Walk {
  position: number;
  total: number;
  onPrevious: (() => void) | undefined;
  onNext: (() => void) | undefined;
}

interface ViewerProps {
  prediction: Prediction;
  file?: File | undefined;
  view: View;
  onView: (view: View) => void;
  walk?: Walk;
  /** What can be done with the prediction, at the head of the panel. */
  actions?: ReactNode;
  /** Below each other, where two stand side by side. */
  stacked?: boolean;
  zoomRef?: React.Ref<ReactZoomPanPinchRef>;
  onMove?: (move: Move) => void;
}

/** A prediction: its picture with what was found on it, and beside it all that can be known and done. */
export const Viewer = memo(function Viewer(props: ViewerProps) {
  const { prediction, file, view, onView, walk, actions, stacked = false, onMove } = props;
  const { data: models } = useQuery(modelsOptions);
  const [active, setActive] = useState<number | null>(null);
  const own = useRef<ReactZoomPanPinchRef>(null);
  const card = cardOf(models?.items, referenceOf(prediction.model));
  const { result } = prediction;
  const score = view.score ?? defaultScore(card);
  const [spoken] = useLanguage();
  const language = labelLanguage(card, [spoken]);
  const detections =
    result?.kind === "detections" ? inLanguage(result.detections, card, language) : [];
  const shown = shownOf(detections, score, view.hidden);
  const picture = { width: prediction.input.width ?? 1, height: prediction.input.height ?? 1 };
  const hasPicture = prediction.input.kind === "image";
  return (
    <div
      className={classes.viewer}
      data-stacked={stacked}
      data-plain={!hasPicture}
      style={{ "--picture-ratio": picture.width / picture.height }}
    >
      {hasPicture && (
        <div className={classes.stage}>
          <Stage
            key={prediction.task_id}
            prediction={prediction}
            file={file}
            zoomRef={props.zoomRef ?? own}
            onMove={onMove}
            tools={
              <StageTools
                labels={view.labels}
                onLabels={(labels) => onView({ ...view, labels })}
                hasBoxes={detections.length > 0}
                walk={walk}
              />
            }
          >
            {(width, zoom) => (
              <BoxOverlay
                shown={shown}
                picture={picture}
                width={width}
                zoom={zoom}
                labels={view.labels}
                active={active}
                onActive={setActive}
              />
            )}
          </Stage>
        </div>
      )}
      <SidePanel
        prediction={prediction}
        card={card}
        score={score}
        detections={detections}
        language={language}
        shown={shown}
        view={view}
        onView={onView}
        active={active}
        onActive={setActive}
        actions={actions}
      />
    </div>
  );
});

interface StageToolsProps {
  labels: boolean;
  onLabels: (labels: boolean) => void;
  hasBoxes: boolean;
  walk: Walk | undefined;
}

function StageTools({ labels, onLabels, hasBoxes, walk }: StageToolsProps) {
  const { t } = useTranslation("viewer");
  const LabelIcon = labels ? IconTag : IconTagOff;
  useHotkeys([["l", () => onLabels(!labels)]]);
  return (
    <>
      {hasBoxes && (
        <Tooltip label={t(($) => $.stage.labelsHint)}>
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t(($) => $.stage.labels)}
            aria-pressed={labels}
            onClick={() => onLabels(!labels)}
          >
            <LabelIcon size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
      {walk && walk.total > 1 && <WalkButtons {...walk} />}
    </>
  );
}

function WalkButtons({ position, total, onPrevious, onNext }: Walk) {
  const { t } = useTranslation("viewer");
  useHotkeys([
    ["[", () => onPrevious?.()],
    ["]", () => onNext?.()],
  ]);
  return (
    <Group gap={2} wrap="nowrap" ml={4}>
      <Tooltip label={t(($) => $.walk.previousHint)}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t(($) => $.walk.previous)}
          disabled={!onPrevious}
          onClick={onPrevious}
        >
          <IconChevronLeft size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
      <span className={`${classes.position} tabular`}>
        {t(($) => $.walk.position, { position: position + 1, total })}
      </span>
      <Tooltip label={t(($) => $.walk.nextHint)}>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t(($) => $.walk.next)}
          disabled={!onNext}
          onClick={onNext}
        >
          <IconChevronRight size={16} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
